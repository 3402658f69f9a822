internal import CloudEvents
internal import JSON
import WorkerRuntime

/// The body of GitHub's `release` webhook, as far as a release is in it.
struct GitHubWebhook: Decodable {
    /// Every event says what was done; the rest is read only where a release was published.
    struct Head: Decodable {
        let action: String
    }
    struct Details: Decodable {
        let tag: String
        let commitish: String?
        let isDraft: Bool?
        let isPrerelease: Bool?
        let publishedAt: String?

        enum CodingKeys: String, CodingKey {
            case tag = "tag_name"
            case commitish = "target_commitish"
            case isDraft = "draft"
            case isPrerelease = "prerelease"
            case publishedAt = "published_at"
        }
    }
    struct Repository: Decodable {
        let name: String
        let fullName: String?

        enum CodingKeys: String, CodingKey {
            case name
            case fullName = "full_name"
        }
    }
    let release: Details
    let repository: Repository

    /// The release, or why there is none.
    static func content(of event: CloudEvent, parser: JSONParser) throws -> Result<Release, Reason> {
        let action = try event.decode(Head.self, parser: parser).action
        // GitHub sends both for one release; what is no prerelease any longer is told by the second alone.
        guard action == "published" || action == "released" else {
            return .failure(
                Reason(
                    code: "not_a_release",
                    sentence: "'action' is '\(action.prefix(40))'; of GitHub's release events only 'published' and "
                        + "'released' tell of a release.",
                    field: "action"
                )
            )
        }
        let body = try event.decode(GitHubWebhook.self, parser: parser)
        if body.release.isDraft == true {
            return .failure(
                Reason(
                    code: "draft",
                    sentence: "'release.draft' is true; a draft becomes a release when it is published.",
                    field: "release.draft"
                )
            )
        }
        if body.release.isPrerelease == true {
            return .failure(
                Reason(
                    code: "prerelease",
                    sentence: "'release.prerelease' is true; it becomes a release when GitHub says 'released' of it.",
                    field: "release.prerelease"
                )
            )
        }
        return .success(try Release(body))
    }
}

extension Release {
    init(_ body: GitHubWebhook) throws {
        artifact = Self.artifact(ofPath: body.repository.name)
        path = body.repository.fullName.flatMap(Self.path)
        version = body.release.tag
        publishedAt = body.release.publishedAt.flatMap(RFC3339.parse)
        if let commitish = body.release.commitish, !commitish.isEmpty {
            if Self.isCommit(commitish) { commit = commitish } else { branch = commitish }
        }
        try check(artifactField: "repository.name", versionField: "release.tag_name")
    }

    private static func isCommit(_ text: String) -> Bool {
        (text.utf8.count == 40 || text.utf8.count == 64) && text.allSatisfy(\.isHexDigit)
    }
}
