import CloudEvents
import Domain
import Foundation
import JSON
import Kubernetes
import Sealing
import Testing
import WorkerRuntime

@testable import ClusterAgent

/// No text ends a program: it is read, or refused.
@Suite struct TextFuzzTests {
    @Test func `JSON is read or refused, whatever is asked of it`() throws {
        let corpus = try ["deployment.requests", "resource.changes", "release.events"].flatMap { try Example.all($0) }
        let parser = JSONParser()
        try Fuzzing.run("json", corpus.map(\.data)) { input in
            try? parser.validate(input)
            _ = try? parser.bytes(of: "data", in: input)
            try? parser.withDocument(input) { root in Self.walk(root, 0) }
        }
    }

    private static func walk(_ value: JSONValue, _ depth: Int) {
        _ = (value.string, value.int, value.double, value.bool, value.kindInWords, value.count)
        _ = value["metadata"]?.path("labels", "a")
        value.forEachMember { _, member in walk(member, depth + 1) }
        value.forEachElement { walk($0, depth + 1) }
    }

    @Test func `YAML of values and manifests`() throws {
        let corpus = try Example.texts("yaml")
        try Fuzzing.run("yaml", corpus) { input in
            let text = String(decoding: input, as: UTF8.self)
            _ = try? ValuesYAML.merge([text, "replicaCount: 2\n"])
            _ = try? ObjectValue.documents(yaml: text)
        }
    }

    @Test func `a kubeconfig`() throws {
        let path = NSTemporaryDirectory() + "kubeconfig-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let corpus = try Example.texts("kubeconfig")
        // Through a file, as kubectl's is: fewer of them.
        var count = 0
        try Fuzzing.run("kubeconfig", corpus) { input in
            count += 1
            guard count % 4 == 0 else { return }
            try Data(input).write(to: URL(filePath: path))
            _ = try? KubernetesConfiguration.kubeconfig(path)
        }
    }

    @Test func `short texts: package URLs, version ranges, times, types, sealed fields`() throws {
        let corpus = [
            "pkg:oci/web?repository_url=registry.example/shop/web&tag=1.5.0", "pkg:helm/shop/web@1.4.2#charts",
            "pkg:oci/web@sha256%3A244fd47e07d1004f0aed9c", "^1.4", ">=1.2.0 <2.0.0 || 3.x", "~1.2.3-rc.1+build",
            "2026-11-27T17:18:42.123456Z", "2026-02-29T23:59:60+24:00", "slipway.instance.deploy.v1",
            "dev.cdevents.artifact.published.0.3.0", "~1.9223372036854775807+build", "1.2.3.4.x",
            "slipway-sealed.v1.AAAA.BBBB", "v=1;key=7;mac=AAAA",
        ].map { Array($0.utf8) }
        try Fuzzing.run("texts", corpus) { input in
            let text = String(decoding: input, as: UTF8.self)
            _ = (PackageURL(text), RFC3339.parse(text), EventType(text), MessageSignature(text), AgentKey(text))
            if let range = try? VersionRange.parse(text), let version = SemanticVersion("1.4.2") {
                _ = range.contains(version)
            }
            _ = try? SealedField.parse(text)
        }
    }
}
