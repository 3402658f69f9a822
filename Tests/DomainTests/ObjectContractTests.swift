import Foundation
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What is really published of objects is what `topics/` promises.
@Suite struct ObjectContractTests {
    private func check(_ message: Published) throws {
        guard !message.value.isEmpty else { return }
        let topic = message.topic.hasPrefix("agent.commands.") ? "agent.commands" : message.topic
        let file = TopicsTests.folder.appending(path: "\(topic)/\(message.type).schema.json")
        let faults = try JSONSchema(Data(contentsOf: file))
            .faults(of: JSONSerialization.jsonObject(with: Data(message.value)))
        #expect(faults.isEmpty, "\(message.type): \(faults)")
    }

    @Test func `each message about an object is valid`() throws {
        let world = try CommandWorld.ready()
        try world.deploy()
        try world.deploy(instance: "web-2")
        _ = try world.published()
        let sealed = try CommandWorld.sealed("s3cr3t", "db", "password")
        let key = try CommandWorld.sealed(OpenSSLFixtures.ecKey, "own", "privateKey", kind: "certificate")
        let chain = OpenSSLFixtures.ecCertificate.replacing("\n", with: "\\n")
        let outside = #"{"endpoints":[{"addresses":["192.0.2.1"]}]}"#
        let requests = [
            ("config-map.create", #""configMap":"web","data":{"a":"b"},"description":"Settings""#),
            ("config-map.update", #""configMap":"web","data":{"a":"c"}"#), ("config-map.delete", #""configMap":"web""#),
            ("secret.create", #""secret":"db","data":{"password":"\#(sealed)"}"#), ("secret.delete", #""secret":"db""#),
            ("network.create", #""network":"out","ports":[{"port":80}],"target":\#(outside)"#),
            ("network.update", NetworkRequestTests.network("out", #""target":{"instances":["web","web-2"]}"#)),
            ("certificate.upload", #""certificate":"own","chain":"\#(chain)","privateKey":"\#(key)""#),
            ("certificate.request", CertificateRequestTests.order),
            (
                "domain.create",
                NetworkRequestTests.domain("site", host: "ec.example.org", network: "out", #","certificate":"own""#)
            ),
            ("domain.delete", #""domain":"site""#), ("network.delete", #""network":"out""#),
            ("certificate.delete", #""certificate":"shop""#),
        ]
        var types: Set<String> = []
        for (type, members) in requests {
            try world.make(type, members)
            for message in try world.published() {
                try check(message)
                types.insert(message.type)
            }
        }
        try world.ask("config-map.create", #""configMap":"web","data":{"a":"b"}"#)
        try world.report("failed", of: try world.lastCommand(), #""code":"forbidden","message":"No.""#)
        try world.ask("config-map.update", #""configMap":"web","data":{"a":"x"}"#)
        try world.ask("config-map.update", #""configMap":"web","data":{"a":"y"}"#)
        for message in try world.published() {
            try check(message)
            types.insert(message.type)
        }
        for concept in ObjectConcept.allCases { #expect(types.contains("slipway.\(concept.rawValue).status.v1")) }
        #expect(types.isSuperset(of: ["slipway.agent.objects_requested.v1", "slipway.agent.withdrawn.v1"]))
    }
}
