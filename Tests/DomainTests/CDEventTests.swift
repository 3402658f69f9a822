import Foundation
import TestSupport
import Testing
import WorkerRuntime

@testable import Domain

/// What goes out as CDEvents is valid by the official schemas of spec 0.5.1.
@Suite struct CDEventTests {
    static let schemas = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared/data/cdevents/v0.5.1/schemas")
    static var hasSchemas: Bool { FileManager.default.fileExists(atPath: schemas.path) }

    private func faults(_ record: OutboxRecord, schema: String) throws -> [String] {
        let checker = try JSONSchema(try Data(contentsOf: Self.schemas.appending(path: schema)))
        return try checker.faults(of: try body(record))
    }

    private func body(_ record: OutboxRecord) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(record.value ?? [])) as? [String: Any])
    }

    private func service(_ verb: CDEvent.ServiceVerb, worker: String = "agent-worker") -> OutboxRecord {
        CDEvent.service(
            verb,
            environment: "shop/staging",
            service: "web",
            artifact: "pkg:oci/web?tag=1.4.2",
            id: "1",
            worker: worker,
            time: 1_763_884_800_000_000
        )
    }

    @Test(
        .enabled(if: hasSchemas, "the official CDEvents schemas are not beside the project"),
        arguments: CDEvent.ServiceVerb.allCases
    )
    func `an event about a service is valid by its official schema`(verb: CDEvent.ServiceVerb) throws {
        #expect(try faults(service(verb), schema: "service\(verb.rawValue).json") == [])
    }

    @Test(.enabled(if: hasSchemas, "the official CDEvents schemas are not beside the project"))
    func `an event about an environment is valid by its official schema`() throws {
        let record = CDEvent.environment(.created, "shop/staging", id: "1", worker: "agent-worker", time: 0)
        #expect(try faults(record, schema: "environmentcreated.json") == [])
    }

    @Test(.enabled(if: hasSchemas, "the official CDEvents schemas are not beside the project"))
    func `the checker refuses what the official schema refuses`() throws {
        let record = CDEvent.environment(.created, "shop/staging", id: "1", worker: "agent-worker", time: 0)
        #expect(try faults(record, schema: "servicedeployed.json") != [])
    }

    @Test func `a service and an environment are the same whichever program tells of them`() throws {
        var sources: [String?] = []
        for worker in ["agent-worker", "timekeeper", "deployment-worker"] {
            let environment = CDEvent.environment(.modified, "shop/staging", id: "1", worker: worker, time: 0)
            for record in [service(.deployed, worker: worker), environment] {
                let subject = try #require(try body(record)["subject"] as? [String: Any])
                sources.append(subject["source"] as? String)
                let content = try #require(subject["content"] as? [String: Any])
                if let place = content["environment"] as? [String: Any] { sources.append(place["source"] as? String) }
            }
        }
        #expect(sources == Array(repeating: "/slipway", count: 9))
    }

    @Test func `attributes and body say the same`() throws {
        let record = service(.upgraded)
        let headers = Dictionary(
            uniqueKeysWithValues: record.headers.map { ($0.0, String(decoding: $0.1 ?? [], as: UTF8.self)) }
        )
        let context = try #require(try body(record)["context"] as? [String: Any])
        #expect(headers["ce_type"] == context["type"] as? String)
        #expect(headers["ce_id"] == context["id"] as? String)
        #expect(headers["ce_source"] == context["source"] as? String)
        #expect(headers["ce_time"] == context["timestamp"] as? String)
    }

    @Test(
        arguments: [
            ("web", "1.4.2", nil, nil, "pkg:generic/web@1.4.2"),
            (
                "web", "1.4.2", nil, "r.example/shop/web:1.4.2",
                "pkg:oci/web?repository_url=r.example/shop/web&tag=1.4.2"
            ),
            ("web", "1.4.2", nil, "localhost:5000/web", "pkg:oci/web?repository_url=localhost%3A5000/web&tag=1.4.2"),
            ("web", "1", "sha256:ab", "r/web:1", "pkg:oci/web@sha256%3Aab?repository_url=r/web&tag=1"),
            ("web", "release/1.4.2", nil, nil, "pkg:generic/web@release/1.4.2"),
        ] as [(String, String, String?, String?, String)]
    )
    func `an artifact is named by its package URL`(
        name: String,
        version: String,
        digest: String?,
        image: String?,
        purl: String
    ) {
        #expect(ArtifactID.make(name: name, version: version, digest: digest, image: image) == purl)
        let read = PackageURL(purl)
        #expect(read?.name == name && (read?.qualifiers["tag"] ?? read?.version) == version)
    }
}
