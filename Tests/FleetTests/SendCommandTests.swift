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
}
