import Foundation
import Kafka
import TestSupport
import Testing

/// What the flags of `slipway send` become.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct SendCommandTests {
    private struct Request: Decodable {
        let description: String
        let data: [String: String]
    }

    @Test func `JSON keeps its escapes, and a text may be written with escaped lines`() throws {
        let world = try FleetWorld(topics: ["deployment.requests"], partitions: 1)
        let place = ["--set", "project=shop", "--set", "environment=staging", "--set", "configMap=web"]
        let fields = ["--set", #"data:={"a":"one\ntwo","b":"c:\\new"}"#, "--set", #"description=one\ntwo"#]
        _ = try world.said("slipway", ["send", "config-map.create", "--wait", "0"] + place + fields)
        let message = try #require(try world.messages(on: "deployment.requests").first)
        let request = try JSONDecoder().decode(Request.self, from: Data(try #require(message.valueBytes)))
        #expect(request.data == ["a": "one\ntwo", "b": #"c:\new"#])
        #expect(request.description == "one\ntwo")
    }

    @Test func `a release has the artifact as its key, whatever its version looks like`() throws {
        let world = try FleetWorld(topics: ["release.events"], partitions: 1)
        for purl in ["pkg:generic/web@release/1.4.2", "pkg:oci/shop/web@1.4.2?tag=1.4.2", "pkg:npm/%40shop/web@1.4.2"] {
            _ = try world.said("slipway", ["send", "artifact.published", "--purl", purl])
        }
        #expect(try world.messages(on: "release.events").map(\.key) == ["web", "web", "web"])
    }

    @Test func `a log is not ended by the answer to what somebody else asked under its source and id`() throws {
        let topics = ["deployment.requests", "deployment.results", "container.logs"]
        let world = try FleetWorld(topics: topics, partitions: 1)
        let logs = try world.start("slipway", ["logs", "shop/staging/web"], ["SLIPWAY_TOKEN": world.token])
        let request = try eventually("the request") { try world.messages(on: "deployment.requests").first }
        let id = try #require(request.header("ce_id"))
        for (caller, source) in [("mallory", "/slipway-cli"), ("root", "/elsewhere"), ("root", "/slipway-cli")] {
            let value = """
                {"command":null,"request":{"source":"\(source)","id":"\(id)","type":"t","caller":"\(caller)"},
                "subject":{"kind":"container","name":"web"},"state":"rejected","revision":0,
                "reason":{"code":"unknown_pod","message":"Told \(caller) at \(source)."}}
                """
            let type = "slipway.command.rejected.v1"
            try world.send("deployment.results", key: "shop", type: type, id: caller + source, value: Array(value.utf8))
        }
        #expect(try logs.exitCode() == 2)
        #expect(logs.output.contains("Told root at /slipway-cli."), "\(logs.output)")
    }

    @Test func `an answer to what somebody else asked under the same source and id is passed over`() throws {
        let world = try FleetWorld(topics: ["deployment.requests", "deployment.results"], partitions: 1)
        let place = ["--set", "project=shop", "--id", "mine", "--source", "/portal"]
        let send = try world.start("slipway", ["send", "project.create"] + place, ["SLIPWAY_TOKEN": world.token])
        _ = try eventually("the request") { try world.messages(on: "deployment.requests").first }
        for (caller, state) in [("mallory", "rejected"), ("root", "succeeded")] {
            let value = """
                {"command":null,"request":{"source":"/portal","id":"mine","type":"t","caller":"\(caller)"},
                "subject":{"kind":"project","name":"shop"},"state":"\(state)","revision":0,
                "reason":{"code":"not_permitted","message":"No."}}
                """
            let type = "slipway.command.\(state).v1"
            try world.send("deployment.results", key: "shop", type: type, id: state, value: Array(value.utf8))
        }
        #expect(try send.exitCode() == 0)
        #expect(send.output.contains("succeeded") && !send.output.contains("rejected"), "\(send.output)")
    }
}
