internal import CloudEvents
import WorkerRuntime

/// The shapes of release events, told by the CloudEvents type.
enum ReleaseEventShape: Hashable {
    /// CDEvents `artifact.published` and `artifact.packaged`.
    case cdEvent
    /// Slipway's own.
    case slipway
    /// Harbor's webhook in its CloudEvents format.
    case harborCloudEvent
    /// Harbor's webhook in its default format.
    case harborWebhook
    /// The body of GitLab's release webhook.
    case gitLab
    /// The body of GitHub's release webhook.
    case gitHub
    /// Another event of a product whose releases are read: understood, and no release.
    case notARelease(product: String, instead: String)
    /// Slipway's own in another version: a newer worker may read it.
    case newer(Reason)

    /// Tells the shape.
    ///
    /// - Throws: A reason that says which types are known.
    init(type: String) throws(Reason) {
        switch type {
        case "harbor.artifact.pushed": self = .harborCloudEvent
        case "io.goharbor.webhook": self = .harborWebhook
        case "com.gitlab.release": self = .gitLab
        case "com.github.release": self = .gitHub
        case _ where type.hasPrefix("dev.cdevents.artifact.published."): self = .cdEvent
        case _ where type.hasPrefix("dev.cdevents.artifact.packaged."): self = .cdEvent
        // Bridges that follow the CloudEvents adapters put the action behind it; the body says it too.
        case _ where type.hasPrefix("com.gitlab.release."): self = .gitLab
        case _ where type.hasPrefix("com.github.release."): self = .gitHub
        case _ where type.hasPrefix("harbor."):
            self = .notARelease(product: "Harbor", instead: "harbor.artifact.pushed")
        case _ where type.hasPrefix("com.gitlab."):
            self = .notARelease(product: "GitLab", instead: "com.gitlab.release")
        case _ where type.hasPrefix("com.github."):
            self = .notARelease(product: "GitHub", instead: "com.github.release")
        default: self = try Self.slipway(type)
        }
    }

    private static func slipway(_ text: String) throws(Reason) -> ReleaseEventShape {
        guard let type = EventType(text), type.name == "slipway.release.published" else {
            throw Reason(
                code: "unknown_type",
                sentence: "The type '\(text.prefix(80))' is not a release event; CDEvents artifact.published and "
                    + "artifact.packaged, slipway.release.published.v1, harbor.artifact.pushed, io.goharbor.webhook, "
                    + "com.gitlab.release and com.github.release are.",
                field: "ce_type"
            )
        }
        return type.version == 1 ? .slipway : .newer(.unknownVersion(type))
    }
}
