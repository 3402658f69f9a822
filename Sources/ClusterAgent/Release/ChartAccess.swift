import Domain
import Foundation
import Sealing

/// How helm gets at a chart behind a password: through files, because what a program is called with everybody can see.
struct ChartAccess {
    private struct Credentials: Decodable {
        let username: String
        let password: String
    }

    /// What the repository is called in helm's own list.
    static let repositoryName = "slipway"

    private let credentials: Credentials
    private let repository: String

    /// Whether the repository has an index that is fetched before a chart is.
    var isIndexed: Bool { !repository.hasPrefix("oci://") }

    /// Reads the opened JSON.
    init(_ secret: SecretBytes, to chart: ChartReference) throws(ManifestError) {
        let read = secret.withUnsafeBytes { try? JSONDecoder().decode(Credentials.self, from: Data($0)) }
        guard let read else {
            throw ManifestError(sentence: "The chart's credentials should be a JSON object with username and password.")
        }
        guard let repository = chart.repository,
            ["https://", "http://", "oci://"].contains(where: repository.hasPrefix)
        else { throw ManifestError(sentence: "Credentials are for a chart whose repository has an address.") }
        credentials = read
        self.repository = repository
    }

    /// Writes what helm reads, and returns the arguments that tell it where.
    func write(to folder: URL) throws -> [String] {
        let file = folder.appendingPathComponent(isIndexed ? "repositories.yaml" : "registry.json")
        // JSON is YAML too.
        try Data((isIndexed ? repositories : registries).json).write(to: file)
        guard isIndexed else { return ["--registry-config", file.path] }
        let cache = folder.appendingPathComponent("cache")
        return ["--repository-config", file.path, "--repository-cache", cache.path]
    }

    private var repositories: ObjectValue {
        [
            "apiVersion": "v1",
            "repositories": [
                [
                    "name": .string(Self.repositoryName), "url": .string(repository),
                    "username": .string(credentials.username), "password": .string(credentials.password),
                ]
            ],
        ]
    }

    /// Under these names Docker Hub is reached, and under this one its credentials are looked up.
    private static let hub: (hosts: Set<String>, key: String) = (
        ["docker.io", "index.docker.io", "registry-1.docker.io"], "https://index.docker.io/v1/"
    )

    private var registries: ObjectValue {
        let host = String(repository.dropFirst("oci://".count).prefix { $0 != "/" })
        let pair = Data("\(credentials.username):\(credentials.password)".utf8).base64EncodedString()
        let keys = Self.hub.hosts.contains(host) ? [host, Self.hub.key] : [host]
        return ["auths": .object(keys.map { ObjectValue.Member($0, ["auth": .string(pair)]) })]
    }
}

extension ChartReference {
    /// The arguments that say which chart is meant.
    func place(_ access: ChartAccess?) -> [String] {
        var arguments: [String] = []
        let repository = repository ?? ""
        if access?.isIndexed == true {
            arguments.append("\(ChartAccess.repositoryName)/\(name)")
        } else if repository.hasPrefix("https://") || repository.hasPrefix("http://") {
            arguments += [name, "--repo", repository]
        } else {
            var folder = repository.hasPrefix("file://") ? String(repository.dropFirst("file://".count)) : repository
            // A registry takes no empty part of a name.
            while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
            arguments.append(folder.isEmpty ? name : "\(folder)/\(name)")
        }
        if let version = version { arguments += ["--version", version] }
        return arguments
    }
}
