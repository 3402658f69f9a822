import Domain
import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// The whole fleet with a simulated cluster: from a release event to a running instance, or to a reason.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct EndToEndTests {
    static let topics = [
        "release.events", "deployment.requests", "deployment.results", "agent.status", "agent.commands.test",
        "resource.changes", "environment.status", "instance.status", "resource.status", "cdevents",
        "agent.output", "agent.output.dlt", "container.logs", "deployment.requests.dlt", "release.events.dlt",
        "agent.status.dlt", "resource.changes.dlt",
    ]

    static let workers = [
        "release-worker", "deployment-worker", "agent-worker", "resource-worker", "outbox-relay", "timekeeper",
    ]

    /// Starts the fleet, a cluster and an environment.
    ///
    /// - Parameters:
    ///   - given: A world that the caller has made, with ``topics``; a new one otherwise.
    ///   - copies: How many processes of each worker.
    ///   - others: A worker that the caller starts.
    ///   - arguments: More of the agent's.
    ///   - brokers: A broker that is there; an embedded one otherwise.
    func makeFleet(
        in given: FleetWorld? = nil,
        copies: Int = 1,
        brokers: String? = nil,
        timers: [String: String] = [:],
        without others: String? = nil,
        agent arguments: [String] = [],
        starting start: (FleetWorld) throws -> Void = { _ in }
    ) throws -> (world: FleetWorld, agent: WorkerProcessHandle) {
        let world = try given ?? FleetWorld(topics: Self.topics, brokers: brokers)
        for worker in Self.workers where worker != others {
            for _ in 1...copies { _ = try world.start(worker, [], timers) }
        }
        try start(world)
        try world.request("project.create", key: "shop", id: "p", #"{"project":"shop"}"#)
        try world.request("cluster.register", key: "test", id: "c", #"{"cluster":"test"}"#)
        // Other keys, perhaps other partitions: nothing else says that the project is there before who names it.
        try waitFor("the project", world, "select count(*) from project", 1)
        try waitFor("the cluster", world, "select count(*) from cluster", 1)
        let agent = try startAgent(in: world, arguments)
        try waitFor("the agent", world, "select count(*) from cluster where state = 'connected'", 1)
        try world.request(
            "environment.create",
            key: "shop/staging",
            id: "e",
            #"{"project":"shop","environment":"staging","cluster":"test"}"#
        )
        try world.request("application.create", key: "shop", id: "a", #"{"project":"shop","application":"web"}"#)
        try waitFor("an active environment", world, "select count(*) from environment where state = 'active'", 1)
        try waitFor("the application", world, "select count(*) from application", 1)
        return (world, agent)
    }

    /// Starts an agent of the simulated cluster `test`, which is empty.
    func startAgent(in world: FleetWorld, _ arguments: [String] = []) throws -> WorkerProcessHandle {
        try world.start(
            "cluster-agent",
            ["--simulate", "--without-helm", "--cluster", "test", "--speed", "4"] + arguments,
            ["SLIPWAY_AGENT_KEY": try FleetKeys.clusterKey("test", environment: world.environment)]
        )
    }

    /// Asks for the version 1.0.0 of `web`.
    ///
    /// - Parameter values: The chart's, as a JSON string holds them.
    func deploy(_ world: FleetWorld, values: String = "") throws {
        let place = #""project":"shop","environment":"staging""#
        try world.request(
            "instance.deploy",
            key: "shop/staging",
            id: "d",
            #"{\#(place),"application":"web","version":"1.0.0","instance":"web","values":"\#(values)"}"#
        )
    }

    func waitFor(_ what: String, _ world: FleetWorld, _ sql: String, _ number: Int64) throws {
        do {
            _ = try eventually(what, within: .seconds(60)) { try world.number(sql) == number ? true : nil }
        } catch let error as NotSeen {
            throw NotSeen(description: "\(error.description)\n\(world.standing)")
        }
    }

    func release(_ version: String, _ world: FleetWorld) throws {
        let body = """
            {"context":{"specversion":"0.5.1","id":"r\(version)","source":"/ci","type":"dev.cdevents.artifact.published.0.3.0",\
            "timestamp":"2026-11-23T08:00:00Z"},"subject":{"id":"pkg:oci/web?repository_url=r.example/shop/web&tag=\(version)",\
            "content":{}}}
            """
        try world.send(
            "release.events",
            key: "web",
            type: "dev.cdevents.artifact.published.0.3.0",
            id: "r\(version)",
            source: "/ci",
            value: Array(body.utf8)
        )
    }

    /// A group whose members agree by eager strategies only, as an operator may have it.
    @Test(arguments: ["cooperative-sticky", "range"])
    func `a release event becomes a running instance, and an upgrade replaces it`(strategy: String) throws {
        let settings = ["SLIPWAY_KAFKA_PARTITION_ASSIGNMENT_STRATEGY": strategy]
        let (world, agent) = try makeFleet(copies: 2, timers: settings)
        try world.request(
            "autodeploy.create",
            key: "shop/staging",
            id: "rule",
            #"{"project":"shop","environment":"staging","application":"web","instance":"web","versions":"^1.0"}"#
        )
        try waitFor("the rule", world, "select count(*) from auto_deploy_rule", 1)
        try release("1.0.0", world)
        try waitFor(
            "1.0.0 runs",
            world,
            "select count(*) from instance where state = 'running' and running_version = '1.0.0'",
            1
        )
        try release("2.0.0", world)
        try release("1.1.0", world)
        try waitFor(
            "1.1.0 runs",
            world,
            "select count(*) from instance where state = 'running' and running_version = '1.1.0'",
            1
        )
        #expect(
            try world.number("select count(*) from command where operation = 'instance.deploy'") == 2,
            "2.0.0 is outside the rule"
        )
        let audit = try world.said(
            "slipway",
            ["audit", "shop", "--operation", "instance.deploy", "--caller", "root", "--json"]
        )
        for outcome in ["accepted", "succeeded"] {
            let count = audit.components(separatedBy: #""outcome" : "\#(outcome)""#).count - 1
            #expect(count == 2, "what the rule did for its creator: \(audit)")
        }
        try waitFor("an empty outbox", world, "select count(*) from outbox", 0)
        try expectStatusesInOrder(world)
        let services = try world.messages(on: "cdevents").compactMap { $0.header("ce_type") }
        #expect(services.contains("dev.cdevents.environment.created.0.3.0"))
        #expect(services.contains("dev.cdevents.service.deployed.0.3.0"))
        #expect(services.contains("dev.cdevents.service.upgraded.0.3.0"))
        #expect(try world.ledgerCloses())
        for group in ["release-worker", "deployment-worker", "agent-worker", "resource-worker"] {
            let claims = "partition_claim where consumer_group = 'slipway.\(group)'"
            let owners = try world.number("select count(distinct owner_pid) from \(claims)")
            #expect(owners == 2, "\(group): two processes share the work")
        }
        #expect(try Verification.differences(on: world.database) == [])
        #expect(try world.number("select sum(dead_lettered)::bigint from partition_claim") == 0)
        agent.signal(SIGTERM)
        #expect(try agent.exitCode() == 0)
    }

    /// Revisions rise, per key, on every topic; a terminal state is a command's last word.
    ///
    /// - Parameter mayRepeat: Whether a message may come again as it was, which is known by its id.
    func expectStatusesInOrder(_ world: FleetWorld, mayRepeat: Bool = false) throws {
        var seen: Set<String> = []
        func isRepeat(_ message: KafkaMessage) -> Bool {
            mayRepeat && !seen.insert(message.header("ce_id") ?? "").inserted
        }
        for topic in ["instance.status", "environment.status", "resource.status"] {
            var last: [String: Int] = [:]
            for message in try world.messages(on: topic) where !isRepeat(message) {
                let revision = Int(message.header("ce_revision") ?? "") ?? -1
                #expect(revision > last[message.key ?? ""] ?? 0, "\(topic) \(message.key ?? "")")
                last[message.key ?? ""] = revision
            }
            #expect(!last.isEmpty, "\(topic)")
        }
        var ended: Set<String> = []
        for message in try world.messages(on: "deployment.results")
        where message.header("ce_type")?.hasPrefix("slipway.command.") == true && !isRepeat(message) {
            struct Result: Decodable {
                let command: String?
                let state: String
            }
            let result = try JSONDecoder().decode(Result.self, from: Data(message.valueBytes ?? []))
            guard let command = result.command else { continue }
            #expect(!ended.contains(command))
            if ["succeeded", "failed", "timed_out", "superseded"].contains(result.state) { ended.insert(command) }
        }
    }

    @Test(arguments: [("imagePull", "image_pull"), ("crashLoop", "crash_loop")])
    func `a deploy that cannot become healthy fails with a reason a person can act on`(failure: String, code: String)
        throws
    {
        let (world, agent) = try makeFleet()
        try release("1.0.0", world)
        try waitFor("the version", world, "select count(*) from version where artifact = 'web'", 1)
        try deploy(world, values: #"simulate:\n  failure: \#(failure)\n"#)
        try waitFor(
            "the command failed",
            world,
            "select count(*) from command where id is not null and state = 'failed'",
            1
        )
        let row = try world.database.query("select reason_code, reason from command where state = 'failed'").only()
        #expect(try row.string(0) == code)
        #expect(try row.string(1).contains("web"))
        #expect(try world.number("select count(*) from instance where state = 'failed' and open_command is null") == 1)
        #expect(agent.isRunning)
    }

    @Test func `a deploy that never gets ready times out, and says what it waited for`() throws {
        let (world, _) = try makeFleet(timers: ["SLIPWAY_HEALTHY_SECONDS": "6"])
        try release("1.0.0", world)
        try waitFor("the version", world, "select count(*) from version where artifact = 'web'", 1)
        try deploy(world, values: #"simulate:\n  failure: neverReady\n"#)
        try waitFor("the command timed out", world, "select count(*) from command where state = 'timed_out'", 1)
        let row = try world.database.query("select reason_code, reason from command where state = 'timed_out'").only()
        #expect(try row.string(0) == "not_ready")
        #expect(try row.string(1).contains("web"))
    }

    @Test func `a hook's output, events and a container's log can be read`() throws {
        let (world, _) = try makeFleet()
        try release("1.0.0", world)
        try waitFor("the version", world, "select count(*) from version where artifact = 'web'", 1)
        try deploy(world, values: #"simulate:\n  hook:\n    name: migrate\n"#)
        try waitFor("it runs", world, "select count(*) from instance where state = 'running'", 1)
        try waitFor("the stage's output", world, "select count(*) from stage where output is not null", 1)
        try waitFor("events", world, "select least(1, count(*)) from cluster_event where instance = 'web'", 1)
        let story = try world.start(
            "slipway",
            ["explain", "shop/staging/web", "--stages", "--events", "--values", "--operations", "--json"]
        )
        #expect(try story.exitCode() == 0)
        #expect(story.output.contains(/"time" : "20\d\d-\d\d-\d\dT[0-9:.]+Z"/), "\(story.output)")
        for part in [#""stage" : "migrate""#, #""reason" : "Scheduled""#, #""path" : "simulate.hook.name""#] {
            #expect(story.output.contains(part), "\(part): \(story.output)")
        }
        let pod = try world.database.query("select name from resource where kind = 'Pod' and not gone limit 1")
            .only().string(0)
        let token = ["SLIPWAY_TOKEN": world.token]
        let place = ["--set", "project=shop", "--set", "environment=staging", "--set", "instance=web"]
        let planned = try world.start(
            "slipway",
            ["send", "instance.scale"] + place + ["--set", "replicas:=3", "--set", "dryRun:=true"],
            token
        )
        #expect(try planned.exitCode() == 0, "\(planned.output)")
        #expect(planned.output.contains("version 1.0.0 stays"), "a plan is told: \(planned.output)")
        let log = try world.start("slipway", ["logs", "shop/staging/\(pod)", "--lines", "5"], token)
        #expect(try log.exitCode() == 0)
        #expect(!log.output.isEmpty)
        let followed = try world.start("slipway", ["logs", "shop/staging/\(pod)", "--follow"], token)
        _ = try eventually("lines") { followed.output.isEmpty ? nil : true }
        followed.signal(SIGINT)
        #expect(try followed.exitCode() == 0)
        try waitFor(
            "its end",
            world,
            "select count(*) from command where operation = 'container.logs' and state = 'succeeded'",
            2
        )
        let refused = try world.start("slipway", ["logs", "shop/staging/none"], token)
        #expect(try refused.exitCode() == 2)
        #expect(refused.output.contains("unknown_pod"))
        let environment = try world.start("slipway", ["explain", "shop/staging"])
        #expect(try environment.exitCode() == 0)
        #expect(environment.output.contains("environment.create of shop/staging  "), "\(environment.output)")
        let nobodys = try world.start("slipway", ["containers", "shop/staging/none"])
        #expect(try nobodys.exitCode() == 64)
        #expect(nobodys.output.contains("There is no instance 'shop/staging/none'."))
    }

    @Test func `a command whose agent stays silent ends by its deadline, saying so`() throws {
        let (world, agent) = try makeFleet(
            timers: ["SLIPWAY_ACKNOWLEDGE_SECONDS": "3", "SLIPWAY_AGENT_LEASE_SECONDS": "2"])
        agent.signal(SIGSTOP)
        try waitFor("the agent was missed", world, "select count(*) from cluster where state = 'lost'", 1)
        try release("1.0.0", world)
        try waitFor("the version", world, "select count(*) from version where artifact = 'web'", 1)
        try deploy(world)
        try waitFor("the end", world, "select count(*) from command where state = 'timed_out'", 1)
        let code = try world.database.query("select reason_code from command where state = 'timed_out'").only().string(
            0
        )
        #expect(code == "agent_offline")
    }
}
