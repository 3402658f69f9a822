import WorkerRuntime

/// Where images, charts and sources lie, without the host: registries move and are mirrored.
enum RepositoryPath {
    /// The path of `registry.example:5000/shop/web:1.4.2@sha256:…`: `shop/web`.
    static func of(image: String) -> String {
        var rest = image.prefix { $0 != "@" }
        // People write it as they write a chart's address.
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") { rest = rest[..<colon] }
        let parts = rest.lowercased().split(separator: "/")
        // As docker tells a host from a folder.
        guard parts.count > 1, let first = parts.first,
            first.contains(".") || first.contains(":") || first == "localhost"
        else { return parts.joined(separator: "/") }
        return parts.dropFirst().joined(separator: "/")
    }

    /// Whether two paths are one repository: Docker Hub has `web` in `library/web`, and so have its mirrors.
    static func isSame(_ one: String, _ other: String) -> Bool { withoutLibrary(one) == withoutLibrary(other) }

    private static func withoutLibrary(_ path: String) -> Substring {
        path.hasPrefix("library/") ? path.dropFirst("library/".count) : path[...]
    }

    /// The path of a chart in a registry, `oci://registry.example/shop/charts/web`; `nil` of a chart elsewhere.
    static func of(chart: ChartReference?) -> String? {
        guard let chart, let repository = chart.repository, repository.hasPrefix("oci://") else { return nil }
        return below(host: "\(repository.dropFirst("oci://".count))/\(chart.name)")
    }

    /// What follows the host, in lower case.
    static func below(host text: some StringProtocol) -> String {
        text.lowercased().split(separator: "/").dropFirst().joined(separator: "/")
    }
}

extension Release {
    /// The names under which it is a version: the short one, and the path where its source tells one.
    var names: [String] {
        guard let path, path != artifact else { return [artifact] }
        return [artifact, path]
    }

    /// The same release under one of its names.
    func named(_ name: String) -> Release {
        var release = self
        release.artifact = name
        return release
    }

    /// A path as applications may name it, in lower case; `nil` where it says no more than the short name, or too much.
    static func path(_ text: String) -> String? {
        let path = text.lowercased().split(separator: "/").joined(separator: "/")
        let isOneWord = !path.contains { $0.isWhitespace || $0.isNewline }
        return path.contains("/") && isOneWord && FieldRules.hasLength(path, upTo: 200) ? path : nil
    }

    /// Why it is no version of its short name: two repositories end in the same word, and the name is another's.
    ///
    /// An image is compared with the image that the name has, a chart in a registry with the chart; a name that is a path is
    /// nobody else's. Pure.
    func refusal(knownImage: String?, knownChart: ChartReference?) -> Reason? {
        guard !artifact.contains("/") else { return nil }
        let pairs = [
            (image.map(RepositoryPath.of(image:)), knownImage.map(RepositoryPath.of(image:))),
            (RepositoryPath.of(chart: chart), RepositoryPath.of(chart: knownChart)),
        ]
        for case (let own?, let known?) in pairs where !RepositoryPath.isSame(own, known) {
            let remedy =
                own.contains("/")
                ? "its applications should name '\(own)' as their artifact, and so should events that name one themselves"
                : "events of it should name another artifact"
            return Reason(
                code: "another_repository",
                sentence:
                    "The artifact '\(artifact)' is what lies in '\(known)', and this lies in '\(own)': \(remedy).",
                field: "artifact"
            )
        }
        return nil
    }
}
