internal import CloudEvents
import Foundation
internal import JSON
import WorkerRuntime

/// Turns release events into releases: CDEvents of spec 0.3 to 0.5, and Slipway's own.
struct ReleaseEventDecoder {
    let parser = JSONParser()

    func decode(_ message: KafkaMessageView) throws(Refusal) -> ReleaseInput {
        do {
            let event = try CloudEvent(message, parser: parser)
            let release = try release(of: event)
            return ReleaseInput(
                release: release,
                source: event.source,
                id: event.id,
                traceparent: event.traceparent,
                digest: event.data.withUnsafeBytes {
                    InboxKey.digest(type: event.type, key: release.artifact, data: $0)
                }
            )
        } catch let error as CloudEventError {
            throw .deadLetter(Reason(code: error.code, sentence: error.sentence, field: error.field))
        } catch let reason as Reason {
            throw .deadLetter(reason)
        } catch {
            throw .deadLetter(Reason(code: "invalid_release", sentence: "The release event could not be read."))
        }
    }

    private func release(of event: CloudEvent) throws -> Release {
        if event.type.hasPrefix("dev.cdevents.artifact.published.")
            || event.type.hasPrefix("dev.cdevents.artifact.packaged.")
        {
            return try Release(try event.decode(CDEventBody.self, parser: parser))
        }
        guard let type = EventType(event.type), type.name == "slipway.release.published" else {
            throw Reason(
                code: "unknown_type",
                sentence: "The type '\(event.type.prefix(80))' is not a release event; CDEvents artifact.published and "
                    + "artifact.packaged and slipway.release.published.v1 are.",
                field: "ce_type"
            )
        }
        guard type.version == 1 else {
            throw Reason(
                code: "unknown_version",
                sentence: "Version \(type.version) of 'slipway.release.published' is not known; 1 is.",
                field: "ce_type"
            )
        }
        return try Release(try event.decode(ReleasePublished.self, parser: parser))
    }
}

/// The data of `slipway.release.published.v1`.
struct ReleasePublished: Decodable {
    let artifact: String
    let version: String
    let image: String?
    let digest: String?
    let chart: ChartReference?
    let values: String?
    let commit: String?
    let branch: String?
}

/// The body of a CDEvent, as far as a release is in it.
struct CDEventBody: Decodable {
    struct Context: Decodable {
        let timestamp: String?
    }
    struct Subject: Decodable {
        let id: String
    }
    struct Custom: Decodable {
        let image: String?
        let chart: ChartReference?
        let values: String?
        let commit: String?
        let branch: String?
        let version: String?
    }
    let context: Context
    let subject: Subject
    let customData: Custom?

    enum CodingKeys: CodingKey { case context, subject, customData }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        context = try container.decode(Context.self, forKey: .context)
        subject = try container.decode(Subject.self, forKey: .subject)
        // Others put what they like there: what is not ours is not an error.
        customData = try? container.decodeIfPresent(Custom.self, forKey: .customData)
    }
}

extension Release {
    init(_ published: ReleasePublished) throws {
        artifact = published.artifact
        version = published.version
        image = published.image
        digest = published.digest
        chart = published.chart
        values = published.values
        commit = published.commit
        branch = published.branch
        try check()
    }

    init(_ event: CDEventBody) throws {
        guard let purl = PackageURL(event.subject.id) else {
            throw Reason(
                code: "invalid_purl",
                sentence: "'subject.id' is '\(event.subject.id.prefix(120))'; it should be a package URL such as "
                    + "'pkg:oci/web?repository_url=registry.example/shop/web&tag=1.4.2'.",
                field: "subject.id"
            )
        }
        let isDigest = purl.version?.contains(":") ?? false
        digest = isDigest ? purl.version : nil
        guard let version = purl.qualifiers["tag"] ?? event.customData?.version ?? (isDigest ? nil : purl.version)
        else {
            throw Reason(
                code: "missing_version",
                sentence:
                    "'subject.id' has neither a 'tag' qualifier nor a version; one of them should name the version.",
                field: "subject.id"
            )
        }
        self.version = version
        artifact = purl.name
        chart = event.customData?.chart
        values = event.customData?.values
        commit = event.customData?.commit
        branch = event.customData?.branch
        publishedAt = event.context.timestamp.flatMap(RFC3339.parse)
        let repository = purl.qualifiers["repository_url"]
        image = event.customData?.image ?? repository.map { Self.image($0, name: purl.name, version: version) }
        try check()
    }

    private static func image(_ repository: String, name: String, version: String) -> String {
        let path = repository.hasSuffix("/" + name) || repository == name ? repository : repository + "/" + name
        return path + ":" + version
    }

    private func check() throws {
        for (field, text, limit) in [("artifact", artifact, 200), ("version", version, 128)] {
            let isGood = !text.isEmpty && text.utf8.count <= limit && !text.contains { $0.isWhitespace || $0.isNewline }
            guard isGood else {
                throw Reason(
                    code: "invalid_field",
                    sentence: "'\(field)' should have 1 to \(limit) characters without spaces.",
                    field: field
                )
            }
        }
        if let values { try ValuesYAML.check(values, field: "values") }
    }
}
