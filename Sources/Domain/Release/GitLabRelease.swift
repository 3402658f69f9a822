internal import CloudEvents
internal import JSON
import WorkerRuntime

/// The body of GitLab's release webhook, as far as a release is in it.
struct GitLabWebhook: Decodable {
    /// What kind of event it is, and what was done.
    struct Head: Decodable {
        struct Attributes: Decodable {
            let action: String?
        }
        let kind: String
        let action: String?
        let attributes: Attributes?

        enum CodingKeys: String, CodingKey {
            case kind = "object_kind"
            case action
            case attributes = "object_attributes"
        }
    }
    struct Project: Decodable {
        let path: String

        enum CodingKeys: String, CodingKey {
            case path = "path_with_namespace"
        }
    }
    struct Commit: Decodable {
        let id: String?
    }
    let tag: String
    let project: Project
    let commit: Commit?
    let releasedAt: String?

    enum CodingKeys: String, CodingKey {
        case tag, project, commit
        case releasedAt = "released_at"
    }

    /// The release, or why there is none.
    static func content(of event: CloudEvent, parser: JSONParser) throws -> Result<Release, Reason> {
        let head = try event.decode(Head.self, parser: parser)
        guard head.kind == "release" else {
            return .failure(
                Reason(
                    code: "not_a_release",
                    sentence: "'object_kind' is '\(head.kind.prefix(40))'; of GitLab's events only 'release' tells of "
                        + "a release.",
                    field: "object_kind"
                )
            )
        }
        // GitLab's examples have it at the top, its text says 'object_attributes'.
        guard let action = head.action ?? head.attributes?.action else {
            throw Reason(
                code: "missing_field",
                sentence: "'action' is missing; it should be 'create', 'update' or 'delete'.",
                field: "action"
            )
        }
        guard action == "create" else {
            return .failure(
                Reason(
                    code: "not_a_release",
                    sentence: "'action' is '\(action.prefix(40))'; of GitLab's release events only 'create' tells of a "
                        + "new release.",
                    field: "action"
                )
            )
        }
        return .success(try Release(try event.decode(GitLabWebhook.self, parser: parser)))
    }
}

extension Release {
    init(_ body: GitLabWebhook) throws {
        artifact = Self.artifact(ofPath: body.project.path)
        path = Self.path(body.project.path)
        version = body.tag
        commit = body.commit?.id
        publishedAt = body.releasedAt.flatMap(Self.gitLabTime)
        try check(artifactField: "project.path_with_namespace", versionField: "tag")
    }

    /// GitLab writes `2026-11-23 08:00:00 UTC` in webhooks, and RFC 3339 elsewhere.
    private static func gitLabTime(_ text: String) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 3, parts[2] == "UTC" else { return RFC3339.parse(text) }
        return RFC3339.parse("\(parts[0])T\(parts[1])Z")
    }
}
