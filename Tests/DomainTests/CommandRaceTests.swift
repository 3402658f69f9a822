import Foundation
import Logging
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Workers that meet at one row: each waits for the other, and nothing is lost between them.
@Suite struct CommandRaceTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    /// Work on a connection and thread of its own.
    final class Rival: Sendable {
        private let result = Mutex<Result<[Outcome], any Error>?>(nil)

        init(_ url: String, _ body: @escaping @Sendable (PostgresConnection) throws -> [Outcome]) {
            Thread.detachNewThread { [self] in
                let done = Result {
                    let connection = try TestDatabase.connect(url)
                    defer { connection.close() }
                    return try body(connection)
                }
                result.withLock { $0 = done }
            }
        }

        /// Handles requests as a deployment worker does.
        static func requests(_ messages: [KafkaMessageView], _ world: CommandWorld) -> Rival {
            Rival(world.url) { [fleetKey = world.fleetKey] connection in
                try connection.transaction { (transaction: borrowing PostgresTransaction) in
                    let handler = CommandWorld.requests(fleetKey)
                    return try CommandWorld.run(handler, messages, in: transaction)
                }
            }
        }

        /// Follows agents as an agent worker does.
        static func agents(_ messages: [KafkaMessageView], _ world: CommandWorld) -> Rival {
            Rival(world.url) { [fleetKey = world.fleetKey] connection in
                try connection.transaction { (transaction: borrowing PostgresTransaction) in
                    let handler = AgentStatusHandler(
                        fleetKey: fleetKey,
                        keyRing: CommandWorld.keyRing,
                        logger: Logger(label: "test")
                    )
                    return try CommandWorld.run(handler, messages, in: transaction)
                }
            }
        }

        func outcomes() throws -> [Outcome] {
            try eventually("the rival's end") { result.withLock { $0 } }.get()
        }
    }

    /// Waits until another session of the database waits for a lock.
    private func waitForWaiter() throws { try Self.waitForWaiter(world) }

    static func waitForWaiter(_ world: CommandWorld) throws { try waitForWaiter(world.url) }

    static func waitForWaiter(_ url: String) throws {
        let connection = try TestDatabase.connect(url)
        defer { connection.close() }
        _ = try eventually("a session that waits for a lock") {
            try connection.query(
                """
                select 1 from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock'
                """
            ).first
        }
    }

    @Test func `two deployments of one instance at once have one generation each`() throws {
        try world.deploy()
        let message = world.message("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.1.0"), id: "b")
        let mine = world.message(
            "instance.deploy",
            key: "shop/staging",
            CommandWorld.deployment("1.0.0", #""values":"a: 1""#),
            id: "a"
        )
        let rival = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let handler = CommandWorld.requests(world.fleetKey)
            #expect(try CommandWorld.run(handler, [mine], in: transaction) == [.applied])
            let rival = Rival.requests([message], world)
            try waitForWaiter()
            return rival
        }
        #expect(try rival.outcomes() == [.applied])
        let generations = try world.text(
            "select string_agg(generation || ' ' || state, ', ' order by generation) from command where instance_id is not null"
        )
        #expect(generations == "1 superseded, 2 superseded, 3 sent")
    }

    @Test
    func `a hello waits for a deployment under way, so that its welcome knows it`() throws {
        let hello = world.status(
            "hello",
            #"{"boot":"\#(AgentStatusHandlerTests.second)","clusterUID":"uid-1","agentVersion":"1"}"#,
            epoch: 0,
            sequence: 1
        )
        let deploy = world.message("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.0.0"))
        let rival = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let handler = CommandWorld.requests(world.fleetKey)
            #expect(try CommandWorld.run(handler, [deploy], in: transaction) == [.applied])
            let rival = Rival.agents([hello], world)
            try waitForWaiter()
            return rival
        }
        #expect(try rival.outcomes() == [.applied])
        let messages = try world.published("agent.commands.c1")
        #expect(messages.map(\.name) == ["release_requested", "superseded", "welcomed", "release_requested"])
        #expect(messages[2]["open"] == (try world.lastCommand().uuidString.lowercased()))
    }

    @Test func `requests lock a cluster before environments, as agents' messages do`() throws {
        // A batch that deploys to one environment and makes another, against a report on the first.
        try world.deploy()
        let command = try world.lastCommand()
        let batch = [
            world.message("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.1.0")),
            world.message(
                "environment.create",
                key: "shop/dev",
                #"{"project":"shop","environment":"dev","cluster":"c1"}"#
            ),
        ]
        let report = world.status(
            "acknowledged",
            #"{"command":"\#(command.uuidString)","generation":1}"#
        )
        let rival = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try transaction.query("select 1 from cluster where cluster = 'c1' for no key update")
            let rival = Rival.requests(batch, world)
            try waitForWaiter()
            let handler = AgentStatusHandler(fleetKey: world.fleetKey, logger: Logger(label: "test"))
            #expect(try CommandWorld.run(handler, [report], in: transaction) == [.applied])
            return rival
        }
        #expect(try rival.outcomes() == [.applied, .applied])
    }

    @Test func `requests lock instances in one order, as the objects' changes do`() throws {
        try world.deploy(instance: "a")
        try world.deploy(instance: "b")
        let batch = ["b", "a"].map { name in
            world.message("instance.deploy", key: "shop/staging", CommandWorld.deployment("1.1.0", instance: name))
        }
        let rival = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try transaction.query("select 1 from instance where instance = 'a' for no key update")
            let rival = Rival.requests(batch, world)
            try waitForWaiter()
            try transaction.query("select 1 from instance where instance = 'b' for no key update nowait")
            return rival
        }
        #expect(try rival.outcomes() == [.applied, .applied])
    }

    @Test func `two timekeepers end a command once`() throws {
        try world.deploy()
        _ = try world.published()
        try world.connection.script(
            """
            update command set deadline = now() - interval '1 second' where state = 'sent';
            insert into partition_claim (consumer_group, topic, partition, next_offset, consumed_until)
            values ('agents', 'agent.status', 0, 0, now())
            """
        )
        let rivals = (1...4).map { _ in
            Rival(world.url) { [fleetKey = world.fleetKey] connection in
                let timekeeper = Timekeeper(
                    fleetKey: fleetKey,
                    leaseSeconds: 30,
                    agentGroup: "agents",
                    resourceGroup: "resources"
                )
                return try timekeeper.round(on: connection) ? [.applied] : [.stale]
            }
        }
        let outcomes = try rivals.map { try $0.outcomes() }
        #expect(outcomes.filter { $0 == [.applied] }.count == 1)
        #expect(try world.results() == ["timed_out 3"])
    }
}
