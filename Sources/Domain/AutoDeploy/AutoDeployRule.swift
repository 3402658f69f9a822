public import WorkerRuntime

/// A rule that deploys new versions of an application by itself.
public struct AutoDeployRule: Sendable, Hashable {
    /// Its row.
    public var id: Int64
    /// The project.
    public var project: String
    /// The environment that it deploys to.
    public var environment: String
    /// The application.
    public var application: String
    /// The instance that it makes or replaces.
    public var instance: String
    /// Which versions it takes, see ``VersionRange``.
    public var versions: String
    /// Values laid over the version's.
    public var values: String?
    /// On whose behalf it acts.
    public var creator: String
    /// Whether it acts at all.
    public var isEnabled: Bool
    /// The newest version that the instance was asked to run.
    public var desiredVersion: String?
}

/// Whether a rule acts on a release, or why not.
public enum AutoDeployDecision: Sendable, Hashable {
    /// It deploys.
    case fires
    /// It does not, for a reason.
    case rests(Reason)
}

extension AutoDeployRule {
    /// Decides; pure.
    public func decide(on release: Release) -> AutoDeployDecision {
        guard isEnabled else { return .rests(Reason(code: "rule_disabled", sentence: "The rule is switched off.")) }
        let range: VersionRange
        do {
            range = try VersionRange.parse(versions)
        } catch {
            return .rests(error)
        }
        guard let version = SemanticVersion(release.version) else {
            // Not a semantic version: only a rule for everything takes it.
            return versions == "*"
                ? .fires
                : .rests(
                    Reason(
                        code: "not_semantic",
                        sentence: "'\(release.version)' is not a semantic version, so no range but '*' takes it."
                    )
                )
        }
        guard range.contains(version) else {
            return .rests(Reason(code: "outside_range", sentence: "\(release.version) lies outside '\(versions)'."))
        }
        if let desiredVersion, let present = SemanticVersion(desiredVersion), version < present {
            return .rests(
                Reason(
                    code: "not_newer",
                    sentence: "\(release.version) is older than \(desiredVersion), which was deployed last."
                )
            )
        }
        return .fires
    }
}
