import Foundation
import Kafka
import Processes
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct MockClusterTests {
    /// Starts one program after the other on a thread of its own.
    private final class Starter: Sendable {
        private let isOver = Atomic(false)
        private let ended = DispatchSemaphore(value: 0)

        init() {
            Thread.detachNewThread { [self] in
                while !isOver.load(ordering: .relaxed) { _ = try? ChildProcess(["/bin/true"]).wait() }
                ended.signal()
            }
        }

        func stop() {
            isOver.store(true, ordering: .relaxed)
            ended.wait()
        }
    }

    /// librdkafka ends the process where the port of a broker that goes down cannot be taken anew at once.
    @Test func `brokers go down and come up while programs are started`() async throws {
        try await onOwnThread {
            let world = try World(brokers: 3)
            let starters = (0..<4).map { _ in Starter() }
            defer { for starter in starters { starter.stop() } }
            for _ in 0..<12 {
                try world.cluster.setBrokerDown()
                try world.cluster.setBrokerUp()
            }
            try world.send(["a"])
        }
    }
}
