import WorkerRuntime

/// The type of a Harbor event in the default format; the rest is read only where an artifact was pushed.
struct HarborWebhookHead: Decodable {
    let type: String
}

/// A Harbor event in the default format, as far as a release is in it.
struct HarborWebhook: Decodable {
    /// Seconds since 1970.
    let occurredAt: Int64?
    let eventData: HarborEventData

    enum CodingKeys: String, CodingKey {
        case occurredAt = "occur_at"
        case eventData = "event_data"
    }

    var occurredAtMicroseconds: Int64? {
        guard let (product, overflow) = occurredAt?.multipliedReportingOverflow(by: 1_000_000), !overflow else {
            return nil
        }
        return product
    }
}

/// What was pushed: `event_data` in the default format, the data in the CloudEvents format.
struct HarborEventData: Decodable {
    struct Resource: Decodable {
        let tag: String?
        let digest: String?
        let url: String?

        enum CodingKeys: String, CodingKey {
            case tag, digest
            case url = "resource_url"
        }
    }
    struct Repository: Decodable {
        let name: String
    }
    let resources: [Resource]
    let repository: Repository
}

/// An artifact that was pushed to Harbor.
struct HarborPush {
    /// The CloudEvents extension by which a bridge says what was pushed, since Harbor does not: `image` or `chart`.
    static let kindAttribute = "artifactkind"

    let data: HarborEventData
    /// Where the data lie in the message, for reasons: empty or `event_data.`.
    let dataPath: String
    /// Microseconds since 1970.
    let occurredAt: Int64?
    let kind: String?

    /// The release, or why there is none.
    func content() throws -> Result<Release, Reason> {
        guard let resource = data.resources.first, data.resources.count == 1 else {
            throw invalid("resources", "has \(data.resources.count) entries; it should have one")
        }
        guard let tag = resource.tag, !tag.isEmpty, tag != resource.digest else {
            return .failure(
                Reason(
                    code: "untagged",
                    sentence: "'\(dataPath)resources[0].tag' names no tag; only a tagged artifact has a version.",
                    field: "\(dataPath)resources[0].tag"
                )
            )
        }
        if let reason = Release.refusal(ofTag: tag, field: "\(dataPath)resources[0].tag") { return .failure(reason) }
        guard let url = resource.url, url.hasSuffix(":" + tag), let slash = url.lastIndex(of: "/"),
            slash > url.startIndex
        else {
            throw invalid(
                "resources[0].resource_url",
                "does not name the pushed artifact; it should be such as 'registry.example/shop/web:1.4.2'"
            )
        }
        var release = Release(artifact: Release.artifact(ofPath: data.repository.name), version: tag)
        switch kind {
        case nil, "image":
            release.image = url
            release.digest = resource.digest
        case "chart":
            // Tags have no '+': helm writes '_' for it.
            release.version = tag.replacing("_", with: "+")
            let name = url[url.index(after: slash)...].dropLast(tag.count + 1)
            release.chart = ChartReference(
                repository: "oci://\(url[..<slash])",
                name: String(name),
                version: release.version
            )
        case .some(let other):
            throw Reason(
                code: "invalid_attribute",
                sentence: "'ce_\(Self.kindAttribute)' is '\(other.prefix(40))'; it should be 'image' or 'chart'.",
                field: "ce_\(Self.kindAttribute)"
            )
        }
        release.publishedAt = occurredAt
        release.path = Release.path(RepositoryPath.below(host: url.dropLast(tag.count + 1)))
        try release.check(
            artifactField: "\(dataPath)repository.name",
            versionField: "\(dataPath)resources[0].tag"
        )
        return .success(release)
    }

    private func invalid(_ field: String, _ fault: String) -> Reason {
        Reason(code: "invalid_field", sentence: "'\(dataPath)\(field)' \(fault).", field: dataPath + field)
    }
}
