import Foundation
import Postgres
import Sealing
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What is done to an instance, from the request to its end.
@Suite struct InstanceOperationTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    private func ask(_ verb: String, _ more: String = "") throws -> Outcome {
        let body =
            #"{"project":"shop","environment":"staging","instance":"web"\#(more.isEmpty ? "" : ",")\#(more)}"#
        return try world.request("instance.\(verb)", key: "shop/staging", body)
    }

    /// Lets the agent do the newest command and time confirm it; returns how the command and the instance stand.
    @discardableResult
    private func finish() throws -> String? {
        let command = try world.lastCommand()
        try world.report("applied", of: command, #""objects":[]"#)
        try world.connection.script("update command set settle_seconds = 0")
        try world.passTime()
        return try world.text("select c.state || ' ' || i.state from command c, instance i where c.id = '\(command)'")
    }

    private func running() throws {
        try world.deploy("1.0.0", #""values":"color: red""#)
        #expect(try finish() == "succeeded running")
        _ = try world.published()
    }

    private func code(_ outcome: Outcome) -> String? {
        if case .rejected(let reason) = outcome { reason.code } else { nil }
    }

    @Test func `stop and start: the agent is told, and the state follows`() throws {
        try running()
        #expect(try ask("stop") == .applied)
        let stop = try #require(try world.published("agent.commands.c1").last)
        #expect(stop.name == "release_requested" && stop["version"] == "1.0.0")
        #expect(["1", "true"].contains(stop["stopped"]))
        #expect(try finish() == "succeeded stopped")
        for verb in ["stop", "restart"] { #expect(code(try ask(verb)) == "instance_stopped") }
        _ = try world.published()
        #expect(try ask("start") == .applied)
        #expect(try world.published("agent.commands.c1").last?["stopped"] == nil)
        #expect(try finish() == "succeeded running")
        #expect(code(try ask("start")) == "instance_running")
    }

    @Test func `a restart and a redeployment roll the pods by a new nonce, with the same version and values`() throws {
        try running()
        var nonces: [String?] = []
        for verb in ["restart", "redeploy"] {
            #expect(try ask(verb) == .applied)
            let message = try #require(try world.published("agent.commands.c1").last)
            #expect(message["version"] == "1.0.0" && message["values"] == "replicas: 1\ncolor: red\n")
            nonces.append(message["restart"])
            #expect(try finish() == "succeeded running")
        }
        #expect(!nonces.contains(nil) && Set(nonces).count == 2)
    }

    @Test func `values that are too large together are refused before anything is written`() throws {
        try running()
        let half = String(repeating: "x", count: 150_000)
        try world.connection.script("update version set \"values\" = 'a: \(half)' where version = '1.1.0'")
        let commands = try world.text("select count(*)::text from command")
        for dryRun in ["true", "false"] {
            let more = #""version":"1.1.0","values":"b: \#(half)","dryRun":\#(dryRun)"#
            #expect(code(try ask("upgrade", more)) == "too_large")
        }
        #expect(try world.text("select count(*)::text from command") == commands)
        #expect(try world.text("select state from instance") == "running")
    }

    @Test func `values of the past that cannot be read any more keep nobody from deploying`() throws {
        try running()
        let large = "jsonb_build_object('mergedValues', 'a: ' || repeat('x', 300000))"
        try world.connection.script("update instance set settled = settled || \(large), desired = desired || \(large)")
        #expect(try ask("redeploy") == .applied)
        #expect(try finish() == "succeeded running")
    }

    @Test func `scaling says how many, and later commands keep it`() throws {
        try running()
        #expect(try ask("scale", #""workload":"Deployment/web","replicas":3"#) == .applied)
        #expect(try world.published("agent.commands.c1").last?["replicas.Deployment/web"] == "3")
        #expect(try finish() == "succeeded running")
        _ = try ask("upgrade", #""version":"1.1.0""#)
        #expect(try world.published("agent.commands.c1").last?["replicas.Deployment/web"] == "3")
    }

    @Test func `other values are deployed with the same version, the same ones are no change`() throws {
        try running()
        #expect(try ask("configure", #""values":"color: blue""#) == .applied)
        #expect(try world.published("agent.commands.c1").last?["values"] == "replicas: 1\ncolor: blue\n")
        #expect(try finish() == "succeeded running")
        #expect(code(try ask("configure", ##""values":"# the same\ncolor: blue""##)) == "no_change")
    }

    @Test func `a version is deployed once more when its chart becomes known or moves`() throws {
        try world.deploy()
        #expect(try finish() == "succeeded running")
        _ = try world.published()
        for chart in ["oci://registry.example/web", "oci://registry.example/moved"] {
            try world.connection.script("update version set chart_name = '\(chart)' where version = '1.0.0'")
            #expect(try ask("redeploy") == .applied)
            #expect(try world.published("agent.commands.c1").last?["chart.name"] != chart, "it keeps what it has")
            #expect(try finish() == "succeeded running")
            #expect(try world.deploy() == .applied)
            #expect(try world.published("agent.commands.c1").last?["chart.name"] == chart)
            #expect(try finish() == "succeeded running")
            #expect(code(try world.deploy()) == "no_change")
        }
    }

    @Test func `a rollback takes version and values of the deployment before`() throws {
        try running()
        _ = try ask("upgrade", #""version":"1.1.0","values":"color: blue""#)
        #expect(try finish() == "succeeded running")
        _ = try world.published()
        #expect(try ask("rollback") == .applied)
        let message = try #require(try world.published("agent.commands.c1").last)
        #expect(message["version"] == "1.0.0" && message["values"] == "replicas: 1\ncolor: red\n")
        #expect(try finish() == "succeeded running")
        let events = try world.published("cdevents")
        #expect(events.last?.headers["ce_type"] == "dev.cdevents.service.rolledback.0.3.0")
    }

    @Test func `there is nothing to roll back to before the second deployment`() throws {
        try running()
        #expect(code(try ask("rollback")) == "no_rollback_target")
        #expect(try world.published("agent.commands.c1").isEmpty)
    }

    @Test func `a deletion ends in a tombstone, and the name goes on with its numbers`() throws {
        try running()
        let before = try #require(Int64(try world.text("select revision from instance") ?? ""))
        #expect(try ask("delete") == .applied)
        #expect(try world.published("agent.commands.c1").last?.name == "removal_requested")
        #expect(try finish() == "succeeded deleted")
        #expect(try world.published("instance.status").last?.name == "tombstone")
        #expect(code(try ask("restart")) == "unknown_instance")
        #expect(try world.deploy("1.1.0") == .applied)
        let after = try #require(Int64(try world.text("select revision from instance") ?? ""))
        #expect(after > before)
        #expect(try world.text("select count(*) from instance") == "1")
    }

    @Test func `a stop that fails leaves what was`() throws {
        try running()
        _ = try ask("stop")
        try world.report("failed", of: try world.lastCommand(), #""code":"refused","message":"no""#)
        #expect(try world.text("select state from instance") == "running")
    }

    @Test func `what is asked while a deletion is on its way is refused`() throws {
        try running()
        _ = try ask("delete")
        for (verb, more) in [("restart", ""), ("upgrade", #""version":"1.1.0""#), ("stop", "")] {
            #expect(code(try ask(verb, more)) == "being_deleted", "\(verb)")
        }
    }

    @Test func `a restart behind a deployment that is on its way includes it`() throws {
        try running()
        _ = try ask("upgrade", #""version":"1.1.0""#)
        _ = try world.published()
        #expect(try ask("restart") == .applied)
        let message = try #require(try world.published("agent.commands.c1").last { $0.name == "release_requested" })
        #expect(message["version"] == "1.1.0" && message["restart"] != nil)
        #expect(try world.states().suffix(2).map { $0.prefix(4) } == ["supe", "sent"])
    }

    @Test func `a dry run says what would happen and changes nothing`() throws {
        try running()
        let before = try world.text("select count(*) from command")
        #expect(try ask("upgrade", #""version":"1.1.0","values":"color: blue","dryRun":true"#) == .applied)
        let messages = try world.published()
        #expect(messages.map(\.name) == ["planned"])
        #expect(messages.first?["plan.toVersion"] == "1.1.0")
        #expect(messages.first?["state"] == "planned")
        #expect(try world.text("select count(*) from command") == before)
        #expect(try world.text("select desired_version from instance") == "1.0.0")
    }

    @Test func `a dry run that comes again is answered again`() throws {
        try running()
        let body = #"{"project":"shop","environment":"staging","instance":"web","version":"1.1.0","dryRun":true}"#
        for _ in 1...2 {
            #expect(try world.request("instance.upgrade", key: "shop/staging", body, id: "dry") == .applied)
            #expect(try world.published().map(\.name) == ["planned"])
        }
    }

    @Test func `a refused dry run that is asked for again is another event`() throws {
        let body = #"{"project":"shop","environment":"staging","instance":"none","version":"1.1.0","dryRun":true}"#
        _ = try world.published()
        for _ in 1...2 { try world.request("instance.upgrade", key: "shop/staging", body, id: "dry") }
        let answers = try world.published("deployment.results")
        #expect(answers.map(\.name) == ["rejected", "rejected"])
        #expect(answers[0].value != answers[1].value, "each has its time")
        #expect(answers[0].id != answers[1].id, "who drops repetitions by their id must see both")
    }

    @Test func `a dry run asked for again, when the answer is another, is another event`() throws {
        try running()
        let body = #"{"project":"shop","environment":"staging","instance":"web","version":"1.1.0","dryRun":true}"#
        _ = try world.published()
        try world.request("instance.upgrade", key: "shop/staging", body, id: "dry")
        let first = try #require(try world.published().first)
        #expect(try ask("stop") == .applied)
        _ = try world.published()
        try world.request("instance.upgrade", key: "shop/staging", body, id: "dry")
        let second = try #require(try world.published().first)
        #expect(first.name == "planned" && second.name == "planned")
        #expect(first.value != second.value, "it is planned from another state")
        #expect(first.id != second.id, "who drops repetitions by their id must see both")
    }

    @Test func `what an application's registry needs is sealed for the cluster, and goes with each release`() throws {
        let password = try CommandWorld.sealing.publicKey.seal(
            SecretBytes(utf8: "hunter2"),
            for: Binding("shop", "application", "web", "registry.password")
        ).text
        let registry =
            #""registry":{"server":"registry.example","username":"puller","password":"\#(password)"}"#
        #expect(
            try world.request(
                "application.update",
                key: "shop",
                #"{"project":"shop","application":"web",\#(registry)}"#
            )
                == .applied
        )
        try world.deploy()
        let message = try #require(try world.published("agent.commands.c1").last)
        let data = String(decoding: message.value, as: UTF8.self)
        #expect(!data.contains("hunter2") && !data.contains("puller"))
        let release = try JSONDecoder().decode(ReleaseRequested.self, from: Data(message.value))
        let secret = try #require(release.registrySecrets?.first)
        let login = try world.fleetKey.clusterKey("c1", keyID: 1).sealingKeys(of: "c1").open(
            try SealedField.parse(secret.sealed),
            for: Binding("c1", "shop-staging", "registry-secret", secret.name, ".dockerconfigjson")
        )
        #expect(login.text()?.contains("hunter2") == true)
    }

    @Test func `a password that cannot be decrypted lets the deployment wait, it does not refuse it`() throws {
        try world.connection.script(
            "update application set registry_server = 'r', registry_username = 'u', registry_password = 'damaged'"
        )
        #expect(throws: CredentialsUnavailable.self) { try world.deploy() }
        #expect(try world.text("select count(*) from instance") == "0", "nothing is written")
        #expect(try world.published().isEmpty)
    }

    @Test(arguments: ["restart", "stop", "start", "redeploy", "rollback", "delete"])
    func `what is not there cannot be changed`(verb: String) throws {
        #expect(code(try ask(verb)) == "unknown_instance")
    }

    @Test(arguments: InstanceState.allCases)
    func `each state allows what its table says`(state: InstanceState) {
        let allowed = InstanceState.allowed[state] ?? []
        #expect(allowed.contains(.start) == (state == .stopped))
        #expect(allowed.contains(.stop) == (state == .running))
        #expect(allowed.contains(.delete) == [.running, .failed, .stopped].contains(state))
    }

    @Test func `a command that the agent has not taken can be taken back, another cannot`() throws {
        try running()
        _ = try ask("restart")
        let command = try world.lastCommand()
        _ = try world.published()
        func cancel() throws -> Outcome {
            try world.request(
                "command.cancel",
                key: "shop/staging",
                #"{"project":"shop","environment":"staging","command":"\#(command.uuidString.lowercased())"}"#
            )
        }
        #expect(try cancel() == .applied)
        #expect(try world.text("select state from command where id = '\(command)'") == "canceled")
        #expect(try world.published("agent.commands.c1").last?.name == "withdrawn")
        #expect(code(try cancel()) == "already_ended")
    }
}
