import CloudEvents
import Foundation
import JSON
import Kubernetes

@testable import ClusterAgent
@testable import Domain
@testable import WorkerRuntime

/// No text ends a program: it is read, or refused.
extension FuzzTarget {
    static let texts = [
        json, yaml, kubeconfig, packageURLs, versions, times, names, chartAddresses, addresses, headerBytes,
    ]

    /// JSON is read or refused, whatever is asked of it.
    private static let json = FuzzTarget(
        "json",
        examples: { try Corpus.data("deployment.requests", "resource.changes", "release.events") }
    ) {
        let parser = JSONParser()
        return { bytes in
            try? parser.validate(bytes)
            _ = try? parser.bytes(of: "data", in: bytes)
            try? parser.withDocument(bytes) { walk($0) }
        }
    }

    private static func walk(_ value: JSONValue) {
        _ = (value.string, value.int, value.double, value.bool, value.kindInWords, value.count)
        _ = value["metadata"]?.path("labels", "a")
        value.forEachMember { _, member in walk(member) }
        value.forEachElement { walk($0) }
    }

    /// Values as people write them.
    private static let yaml = FuzzTarget(
        "yaml",
        text: { text in
            guard (try? ValuesYAML.check(text, field: "values")) != nil else { return }
            _ = try? ValuesYAML.merge([text, "replicaCount: 2\n"])
            _ = try? ValuesDiff.between("a: {b: [1]}\nreplicaCount: 1\n", text)
        }
    )

    /// Through a file, as kubectl's is.
    private static let kubeconfig = FuzzTarget("kubeconfig") {
        let path = NSTemporaryDirectory() + "slipway-kubeconfig-\(getpid())"
        return { bytes in
            try Data(bytes).write(to: URL(filePath: path))
            defer { unlink(path) }
            _ = try? KubernetesConfiguration.kubeconfig(path)
        }
    }

    private static let packageURLs = FuzzTarget("package-url", text: { _ = PackageURL($0) })

    private static let versions = FuzzTarget(
        "version",
        text: { text in
            let version = SemanticVersion(text)
            if let range = try? VersionRange.parse(text) {
                for other in [version, SemanticVersion("1.4.2"), SemanticVersion("2.0.0-rc.1")] {
                    _ = other.map { range.contains($0) }
                }
            }
            if let version, let other = SemanticVersion("1.4.2"), version < other, other < version {
                throw FuzzFault("two versions are each less than the other")
            }
        }
    )

    /// Times are written in milliseconds, and those beyond four digits of a year as the nearest within.
    private static let times = FuzzTarget(
        "time",
        text: { text in
            guard let time = RFC3339.parse(text) else { return }
            let written = RFC3339.format(microseconds: time)
            guard let again = RFC3339.parse(written), RFC3339.format(microseconds: again) == written else {
                throw FuzzFault("a time is another one when it is written and read again")
            }
        }
    )

    private static let names = FuzzTarget(
        "name",
        text: { text in
            _ = (EventType(text), MessageSignature(text), AgentKey(text), ConfidentialValues.isConfidential(text: text))
            _ = (BranchType(of: text), RepositoryPath.of(image: text), KubernetesSyntax.isHost(text))
            _ = (ClearText.holdsPassword(text), DomainCoverage.covers(text, "a.example.org"), StreamID(key: text))
            let settings = Settings(environment: ["SLIPWAY_TRUSTED_REQUEST_TOPICS": text])
            _ = try? TrustedTopic.all(settings)
        }
    )

    private static let chartAddresses = FuzzTarget(
        "chart-address",
        text: { text in
            let parts = text.split(separator: "\n", maxSplits: 1).map(String.init)
            guard let one = parts.first else { return }
            let own = parts.count > 1 ? parts[1] : "https://charts.example/shop"
            guard ChartAddress.isLogin(for: own, meantFor: one) else { return }
            guard one.contains("://"), ChartAddress.isLogin(for: own, meantFor: own) else {
                throw FuzzFault("a login is given to what is no such address")
            }
        }
    )

    private static let addresses = FuzzTarget(
        "ip-address",
        text: { text in
            guard let address = IPAddress(text) else { return }
            guard IPAddress(address.text) == address, address.fault != "" else {
                throw FuzzFault("an address is another one when it is written and read again")
            }
        }
    )

    private static let headerBytes = FuzzTarget(
        "header-bytes",
        each: { bytes in
            let isReadable = bytes.withUnsafeBytes { HeaderBytes.areReadable($0) }
            guard let headers = HeaderBytes.decode(bytes) else {
                if isReadable { throw FuzzFault("readable headers are not read") }
                return
            }
            guard isReadable, HeaderBytes.decode(HeaderBytes.encode(headers))?.count == headers.count else {
                throw FuzzFault("headers are others when they are written and read again")
            }
        }
    )
}
