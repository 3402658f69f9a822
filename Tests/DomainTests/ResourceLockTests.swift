import Foundation
import Postgres
import TestSupport
import Testing
import WorkerRuntime

@testable import Domain

/// A batch of facts takes its locks in the order of everybody, and reads behind its fence.
@Suite struct ResourceLockTests {
    @Test func `clusters, which are asked for snapshots, are locked before instances`() throws {
        let world = try ResourceWorld()
        let web = { (available: Int) in AgentMessage.deployment("web", available: available) }
        try world.handle([AgentMessage.changed(web(0), 1, 1, instance: "web-1")])
        let behindGap = AgentMessage.changed(web(1), 1, 3, instance: "web-1")
        let fleetKey = FleetKey.random()
        let rival = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try transaction.query("select id from instance for no key update")
            let rival = CommandRaceTests.Rival(world.url) { connection in
                try connection.transaction { (transaction: borrowing PostgresTransaction) in
                    let handler = ResourceHandler(
                        fleetKey: try FleetKey(base64: fleetKey),
                        verifier: TrustingVerifier()
                    )
                    let entry = Entry(try handler.decode(behindGap), message: behindGap)
                    try handler.prepare([entry], in: transaction)
                    try handler.handle(Batch([entry], now: 1_790_000_100_000_000), in: transaction)
                    return [entry.outcome]
                }
            }
            try CommandRaceTests.waitForWaiter(world.url)
            let other = try TestDatabase.connect(world.url)
            defer { other.close() }
            let error = #expect(throws: PostgresError.self) {
                try other.query("select 1 from cluster for no key update nowait")
            }
            #expect(error?.sqlState?.rawValue == "55P03", "who waits for an instance has its cluster")
            return rival
        }
        #expect(try rival.outcomes() == [.applied])
    }

    @Test func `what was asked behind a fence that refused is asked again`() throws {
        let world = try ResourceWorld()
        let message = AgentMessage.changed(AgentMessage.deployment("web"), 1, 1, instance: "web-1")
        let entry = Entry(try world.handler.decode(message), message: message)
        let error = #expect(throws: PostgresError.self) {
            try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
                let fence = try transaction.submit("select fence('g', '{t}', '{0}', '{1}', '{0}')")
                try world.handler.prepare([entry], in: transaction)
                _ = try transaction.result(of: fence)
            }
        }
        #expect(error?.sqlState?.rawValue == "SW001")
        #expect(try world.handle([entry], by: world.handler).outcomes == [.applied])
        #expect(try world.objects().count == 1)
    }
}
