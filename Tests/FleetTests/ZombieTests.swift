import Foundation
import TestSupport
import Testing

/// A worker that sleeps past its session and wakes must change nothing with what it holds.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct ZombieTests {
    @Test(arguments: ["afterPoll", "inTransaction"])
    func `a lane that sleeps past its session and wakes as a zombie loses its batch and works on`(at point: String)
        throws
    {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        world.hold(point)
        let zombie = try world.start("deployment-worker")
        for number in 1...3 {
            try world.request("project.create", key: "p\(number)", id: "\(number)", #"{"project":"p\#(number)"}"#)
        }
        try world.waitUntilHeld(zombie, at: point)
        zombie.signal(SIGSTOP)
        world.letPass(point)
        let heir = try world.start("deployment-worker")
        _ = try eventually("the heir took over", within: .seconds(60)) {
            try world.number("select count(*) from command where state = 'succeeded'") == 3 ? true : nil
        }
        let epoch = try world.number("select epoch from partition_claim")
        zombie.signal(SIGCONT)
        for number in 4...6 {
            try world.request("project.create", key: "p\(number)", id: "\(number)", #"{"project":"p\#(number)"}"#)
        }
        _ = try eventually("the rest was done", within: .seconds(60)) {
            try world.number("select count(*) from command where state = 'succeeded'") == 6 ? true : nil
        }
        #expect(try world.number("select count(*) from command_step") == 18)
        #expect(try world.number("select consumed from partition_claim") == 6)
        #expect(try world.number("select epoch from partition_claim") >= epoch)
        #expect(try world.ledgerCloses())
        #expect(zombie.isRunning && heir.isRunning)
        for worker in [zombie, heir] {
            worker.signal(SIGTERM)
            #expect(try worker.exitCode() == 0)
        }
    }
}
