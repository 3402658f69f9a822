import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// A database that is really put back to a moment: what the topics tell since then is consumed once more, and what the
/// clusters have done since then is not done again.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct PointInTimeRestoreTests {
    private let fleet = EndToEndTests()

    /// What was asked for after the moment, by request, in the order in which it was: each has ended before the next.
    private static let later: [(id: String, what: String, key: String, body: String)] = [
        ("upgrade", "instance.upgrade", "shop/staging", #"\#(staging),"instance":"web","version":"1.1.0"}"#),
        ("restart", "instance.restart", "shop/staging", #"\#(staging),"instance":"web"}"#),
        ("same", "instance.upgrade", "shop/staging", #"\#(staging),"instance":"web","version":"1.1.0"}"#),
        ("map", "config-map.create", "shop/staging", #"\#(staging),"configMap":"settings","data":{"color":"red"}}"#),
        ("other", "project.create", "other", #"{"project":"other"}"#),
        ("late", "environment.create", "other/late", #"{"project":"other","environment":"late","cluster":"test"}"#),
        ("app", "application.create", "other", #"{"project":"other","application":"web"}"#),
        (
            "new", "instance.deploy", "other/late",
            #"{"project":"other","environment":"late","application":"web","version":"1.1.0","instance":"web"}"#
        ),
    ]
    private static let staging = #"{"project":"shop","environment":"staging""#

    @Test func `a database that is put back to a moment comes to what the topics and the clusters say`() throws {
        let archived = try ArchivedServer()
        let url = try archived.server.createDatabase("fleet")
        let world = try FleetWorld(topics: EndToEndTests.topics, databaseURL: url)
        #expect(try world.start("slipway", ["migrate"]).exitCode() == 0)
        let (_, agent) = try fleet.makeFleet(in: world)
        try workBefore(world, archived, agent)
        try workAfter(world)
        let before = try Told(world)
        let cluster = try objects(world)
        let wanted = try instances(world)
        try stopWorkers(world)
        try archived.lose(world.database)
        // Nobody has consumed this one.
        try world.request("project.create", key: "meanwhile", id: "meanwhile", #"{"project":"meanwhile"}"#)

        try archived.restore(to: "before-the-mistake")
        try world.database.reconnect()
        try expectRefused(world)
        let recover = try world.start("slipway", ["recover", "--yes"])
        #expect(try recover.exitCode() == 0, "\(recover.output)")
        let begun = agent.output.matches(of: /begins generation/).count
        for worker in EndToEndTests.workers { _ = try world.start(worker) }
        try waitForEverything(world)

        try expectSameEnds(world, before)
        #expect(try instances(world) == wanted, "the fleet wants what it wanted")
        // The agent has told all; the worker may still be reading it.
        _ = try? eventually("the cluster's objects") { try objects(world) == cluster ? true : nil }
        #expect(try objects(world) == cluster, "nothing in the cluster was touched, and the database knows it as it is")
        #expect(agent.output.matches(of: /begins generation/).count == begun, "nothing was done twice")
        #expect(agent.isRunning)
        for command in ["verify", "stuck"] {
            let judged = try world.start("slipway", [command])
            #expect(try judged.exitCode() == 0, "\(judged.output)")
        }
        #expect(try world.ledgerCloses())
    }

    /// What the database has at the moment, and one command that is on its way then.
    private func workBefore(_ world: FleetWorld, _ archived: ArchivedServer, _ agent: WorkerProcessHandle) throws {
        try fleet.release("1.0.0", world)
        try fleet.waitFor("the version", world, "select count(*) from version where artifact = 'web'", 1)
        try fleet.deploy(world)
        try archived.backUp()
        try waitForEnd(of: "d", world)
        agent.signal(SIGSTOP)
        let place = #""application":"web","version":"1.0.0","instance":"open""#
        try world.request("instance.deploy", key: "shop/staging", id: "open", "\(Self.staging),\(place)}")
        try fleet.waitFor("an open command", world, "select count(*) from command where state = 'sent'", 1)
        try archived.note("before-the-mistake", on: world.database)
        agent.signal(SIGCONT)
        try waitForEnd(of: "open", world)
    }

    private func workAfter(_ world: FleetWorld) throws {
        try fleet.release("1.1.0", world)
        try fleet.waitFor("the version", world, "select count(*) from version where artifact = 'web'", 2)
        for request in Self.later {
            try world.request(request.what, key: request.key, id: request.id, request.body)
            try waitForEnd(of: request.id, world)
        }
        try waitForRest(world)
    }

    private func waitForEnd(of request: String, _ world: FleetWorld) throws {
        let ended = """
            select (select count(*) from command where request_id = '\(request)'
                    and state not in ('accepted', 'sent', 'acknowledged', 'applied'))
                + (select count(*) from audit where request_id = '\(request)' and outcome = 'rejected')
            """
        try fleet.waitFor("the end of \(request)", world, ended, 1)
    }

    /// Everything is read, decided, done and published.
    private func waitForRest(_ world: FleetWorld) throws {
        let left = """
            select (select count(*) from outbox) + (select count(*) from parked_key)
                + (select count(*) from command where state in ('accepted', 'sent', 'acknowledged', 'applied'))
                + (select count(*) from environment where state <> 'active')
            """
        try fleet.waitFor("rest", world, left, 0)
    }

    private func waitForEverything(_ world: FleetWorld) throws {
        try waitForEnd(of: "meanwhile", world)
        for request in Self.later { try waitForEnd(of: request.id, world) }
        try waitForEnd(of: "open", world)
        try fleet.waitFor(
            "the agent's snapshots",
            world,
            """
            select count(*) from cluster
            where state = 'connected' and account_complete_since is not null and account_epoch = epoch
            """,
            1
        )
        try waitForRest(world)
    }

    private func stopWorkers(_ world: FleetWorld) throws {
        let workers = world.firstOfEach(EndToEndTests.workers)
        for worker in workers { worker.signal(SIGTERM) }
        for worker in workers { #expect(try worker.exitCode() == 0) }
    }

    private func expectRefused(_ world: FleetWorld) throws {
        let refused = try world.start("deployment-worker")
        #expect(try refused.exitCode() != 0)
        #expect(refused.output.contains("run 'slipway recover' first"), "\(refused.output)")
        let doctor = try world.start("slipway", ["doctor"])
        #expect(try doctor.exitCode() == 1)
        #expect(doctor.output.contains("it was restored from a back-up"), "\(doctor.output)")
    }

    /// What the cluster holds, as the database knows it.
    private func objects(_ world: FleetWorld) throws -> [String] {
        try world.database.query(
            """
            select concat_ws(' ', namespace, kind, name, uid, generation, resource_version, health)
            from resource where not gone order by 1
            """
        ).map { try $0.string(0) }
    }

    /// What the fleet wants of each instance, and what it takes to run.
    private func instances(_ world: FleetWorld) throws -> [String] {
        try world.database.query(
            """
            select concat_ws(' ', e.project, e.environment, i.instance, i.state, i.desired_version, i.running_version,
                (i.desired ->> 'restart') is not null)
            from instance i join environment e on e.id = i.environment_id order by 1
            """
        ).map { try $0.string(0) }
    }

    /// Every request has ended once in the database; on the topics, as before.
    private func expectSameEnds(_ world: FleetWorld, _ before: Told) throws {
        let after = try Told(world)
        for (request, ends) in before.ends {
            // Another command about the same thing has followed it, and may be read in one batch with it, or later.
            let allowed = request == "upgrade" ? ends.union(["superseded", "failed"]) : ends
            #expect(after.ends[request]?.isSubset(of: allowed) == true, "\(request): \(after.ends[request] ?? [])")
        }
        #expect(after.ends["meanwhile"] == ["succeeded"])
        #expect(after.contents.allSatisfy { $0.value.count == 1 }, "one id, one content")
        let twice = "select count(*) from (select request_id from command group by 1 having count(*) > 1) t"
        #expect(try world.number(twice) == 0)
    }

    /// What subscribers were told of requests.
    private struct Told {
        /// The terminal states of each request.
        var ends: [String: Set<String>] = [:]
        /// What was said under each id.
        var contents: [String: Set<[UInt8]>] = [:]

        init(_ world: FleetWorld) throws {
            struct Result: Decodable {
                struct Request: Decodable { let id: String }
                let request: Request
                let state: String
            }
            for message in try world.messages(on: "deployment.results") {
                let value = message.valueBytes ?? []
                let result = try JSONDecoder().decode(Result.self, from: Data(value))
                contents[message.header("ce_id") ?? "", default: []].insert(value)
                guard !["accepted", "sent", "acknowledged", "applied"].contains(result.state) else { continue }
                ends[result.request.id, default: []].insert(result.state)
            }
        }
    }
}
