import Domain

/// Something that helm runs before or after it changes a release, and how the simulation plays it.
struct Hook: Codable, Sendable, Hashable {
    /// When helm runs it.
    enum Moment: String, Codable, Sendable, Hashable, CaseIterable {
        case preInstall = "pre-install"
        case postInstall = "post-install"
        case preUpgrade = "pre-upgrade"
        case postUpgrade = "post-upgrade"
        case preDelete = "pre-delete"
        case postDelete = "post-delete"
    }

    let manifest: ObjectValue
    let moments: Set<Moment>
    let weight: Int
    /// When helm deletes it: `before-hook-creation`, `hook-succeeded`, `hook-failed`.
    let deletion: Set<String>
    /// How long a Job runs; `nil` as long as hooks usually do.
    var seconds: Double?
    /// What a Job writes.
    var output: String?
    /// Whether a Job ends badly.
    var fails: Bool

    var name: String { manifest.path("metadata", "name")?.string ?? "" }
    var isJob: Bool { manifest["kind"]?.string == "Job" }

    /// Reads a rendered hook; a Job fails whose name begins with `fail`.
    init(_ manifest: ObjectValue) {
        let annotations = (manifest.path("metadata", "annotations") ?? .empty).texts
        self.init(
            manifest,
            moments: Self.list(annotations["helm.sh/hook"]).compactMap(Moment.init),
            weight: annotations["helm.sh/hook-weight"].flatMap { Int($0) } ?? 0,
            deletion: Self.list(annotations["helm.sh/hook-delete-policy"] ?? "before-hook-creation")
        )
        fails = name.hasPrefix("fail")
    }

    private init(_ manifest: ObjectValue, moments: [Moment], weight: Int, deletion: [String]) {
        self.manifest = manifest
        self.moments = Set(moments)
        self.weight = weight
        self.deletion = Set(deletion)
        fails = false
    }

    /// The hooks of a moment in helm's order: by weight, then by name.
    static func ordered(_ hooks: [Hook], at moment: Moment) -> [Hook] {
        hooks.filter { $0.moments.contains(moment) }.sorted { ($0.weight, $0.name) < ($1.weight, $1.name) }
    }

    private static func list(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }
    }
}

extension Hook {
    /// Reads `simulate.hook` of a release's values: `{name, seconds, output, fails, weight, when}`, or a list of such.
    ///
    /// `when` is `pre`, before the rollout, unless it is `post`.
    static func simulated(_ wish: ObjectValue?) throws(ManifestError) -> [Hook] {
        guard let wish, wish != .null else { return [] }
        let wishes = if case .array(let list) = wish { list } else { [wish] }
        var hooks: [Hook] = []
        for wish in wishes { hooks.append(try one(wish)) }
        return hooks
    }

    private static func one(_ wish: ObjectValue) throws(ManifestError) -> Hook {
        guard let name = wish["name"]?.string, !name.isEmpty else {
            throw ManifestError(sentence: "The value 'simulate.hook.name' is missing; it should name the Job.")
        }
        let when = wish["when"]?.string ?? "pre"
        guard ["pre", "post"].contains(when) else {
            throw ManifestError(sentence: "The value 'simulate.hook.when' is not known; it should be pre or post.")
        }
        let container: ObjectValue = ["name": .string(name), "image": "busybox:1.36"]
        let template: ObjectValue = ["spec": ["restartPolicy": "Never", "containers": [container]]]
        var hook = Hook(
            [
                "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": .string(name)],
                "spec": ["backoffLimit": 0, "template": template],
            ],
            moments: when == "pre" ? [.preInstall, .preUpgrade] : [.postInstall, .postUpgrade],
            weight: Int(wish["weight"]?.int ?? 0),
            deletion: ["before-hook-creation"]
        )
        hook.seconds = wish["seconds"]?.int.map(Double.init) ?? wish["seconds"]?.double
        hook.output = wish["output"]?.string
        hook.fails = wish["fails"] == true
        return hook
    }
}
