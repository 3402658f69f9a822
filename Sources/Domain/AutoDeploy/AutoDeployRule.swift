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
    /// Which branches it takes, see ``BranchFilter``; none means all, and releases that name no branch.
    public var branches: [String] = []
    /// Values laid over the version's.
    public var values: String?
    /// On whose behalf it acts.
    public var creator: String
    /// Whether it acts at all.
    public var isEnabled: Bool
    /// The newest version that the instance was asked to run.
    public var desiredVersion: String?
    /// The image that the instance was asked to run last.
    public var desiredImage: String?
    /// Whether the application names a chart, which is rendered where a release names none.
    public var hasChart = false
    /// The version for which it fired last.
    public var firedVersion: String?
    /// Whether what it asked for when it fired last has neither ended nor been refused yet.
    public var isFiringOpen = false
    /// What people call it.
    public var name: String?
    /// Where its environment stands: only an active one is deployed to.
    public var environmentState = EnvironmentState.active
    /// Whether its application may be deployed.
    public var isApplicationEnabled = true
    /// Which version it last looked at and did not fire for, and the code of the reason.
    public var rested: Rest?

    /// The key of what is said of it: its environment.
    var key: String { "\(project)/\(environment)" }

    /// That a rule did not fire.
    public struct Rest: Sendable, Hashable {
        /// The version that it looked at.
        public var version: String
        /// The reason's code.
        public var code: String
    }
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
        guard environmentState.allows(.deploy) else {
            return .rests(
                Reason(
                    code: "environment_not_active",
                    sentence:
                        "The environment '\(key)' is \(environmentState.rawValue); it must be active to deploy to it."
                )
            )
        }
        guard isApplicationEnabled else {
            return .rests(
                Reason(code: "application_disabled", sentence: "The application '\(application)' is disabled.")
            )
        }
        if let reason = BranchFilter(branches).refusal(of: release.branch) { return .rests(reason) }
        let range: VersionRange
        do {
            range = try VersionRange.parse(versions)
        } catch {
            return .rests(error)
        }
        if let reason = refusal(ofVersion: release.version, range) ?? refusal(ofContent: release) {
            return .rests(reason)
        }
        return .fires
    }

    private func refusal(ofContent release: Release) -> Reason? {
        guard release.image != nil || release.chart != nil || hasChart else {
            return Reason(
                code: "nothing_to_run",
                sentence: "Neither an image nor a chart of \(release.version) is known yet; "
                    + "the rule looks again when an event names one."
            )
        }
        // A short name may be what another repository ends in, too: a rule puts nothing of that in the place of what runs.
        guard !release.artifact.contains("/"), let image = release.image, let desiredImage, !desiredImage.isEmpty else {
            return nil
        }
        let (own, present) = (RepositoryPath.of(image: image), RepositoryPath.of(image: desiredImage))
        guard !RepositoryPath.isSame(own, present) else { return nil }
        return Reason(
            code: "another_repository",
            sentence:
                "\(release.version) is an image of '\(own)', and the instance was asked to run one of '\(present)'; "
                + "name the path that is meant as the artifact of the application '\(application)'."
        )
    }

    private func refusal(ofVersion text: String, _ range: VersionRange) -> Reason? {
        guard let version = SemanticVersion(text) else {
            // Not a semantic version: only a rule for everything takes it.
            guard versions != "*" else { return nil }
            return Reason(
                code: "not_semantic",
                sentence: "'\(text)' is not a semantic version, so no range but '*' takes it."
            )
        }
        guard range.contains(version) else {
            return Reason(code: "outside_range", sentence: "\(text) lies outside '\(versions)'.")
        }
        guard let newest, version < newest else { return nil }
        return Reason(
            code: "not_newer",
            sentence: "\(text) is older than \(newest), which was asked for last."
        )
    }

    /// The newest version that the instance was asked to run, also where the worker that decides requests has not read yet
    /// what the rule asked for.
    private var newest: SemanticVersion? {
        [desiredVersion, isFiringOpen ? firedVersion : nil].compactMap { $0.flatMap { SemanticVersion($0) } }.max()
    }
}
