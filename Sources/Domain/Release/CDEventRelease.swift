internal import CloudEvents
import WorkerRuntime

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

extension CDEventBody {
    /// The release, or why there is none.
    func content() throws -> Result<Release, Reason> {
        let release = try Release(self)
        if let reason = Release.refusal(ofTag: release.version, field: "subject.id") { return .failure(reason) }
        return .success(release)
    }
}

extension Release {
    init(_ event: CDEventBody) throws {
        try FieldRules.withoutPassword(event.subject.id, "subject.id")
        guard !Array(event.subject.id.utf8).contains(Array("%00".utf8)) else {
            throw Reason(
                code: "nul_character",
                sentence: "'subject.id' holds '%00', the character U+0000, which cannot be stored; leave it out.",
                field: "subject.id"
            )
        }
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
        let told = event.customData?.version.flatMap { $0.isEmpty ? nil : $0 }
        let isTold = told != nil && purl.qualifiers["tag"] == nil
        guard let version = purl.qualifiers["tag"] ?? told ?? (isDigest ? nil : purl.version)
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
        path = Self.path(purl.path)
        chart = event.customData?.chart
        values = event.customData?.values
        commit = event.customData?.commit
        branch = event.customData?.branch
        publishedAt = event.context.timestamp.flatMap(RFC3339.parse)
        image = event.customData?.image
        dropEmptyTexts()
        image = image ?? purl.imageRepository.map { "\($0):\(version)" }
        try check(
            artifactField: "subject.id",
            versionField: isTold ? "customData.version" : "subject.id",
            chartField: "customData.chart",
            valuesField: "customData.values"
        )
    }
}
