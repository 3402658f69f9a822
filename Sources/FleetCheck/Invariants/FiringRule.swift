/// Of rules that deploy releases: each that fired asked once, each that asked had fired, and none overlooked a release.
enum FiringRule {
    /// I1: what a rule fired for was asked for, and a rule that looked at one release looks at those behind it.
    static func lost(_ index: HistoryIndex) -> [Violation] {
        unasked(index) + overlooked(index)
    }

    /// I2: a rule fires for a release once, and asks once.
    static func doubled(_ index: HistoryIndex) -> [Violation] {
        let (fired, asked) = (firings(index), requests(index))
        var events: [String: Set<RequestName>] = [:]
        for (message, release) in releases(index) {
            let name = RequestName(source: message.source ?? "", id: message.id ?? "")
            events[release.version, default: []].insert(name)
        }
        let tooOften = fired.compactMap { firing, count -> Violation? in
            guard let known = events[firing.version]?.count, count > known else { return nil }
            return Violation(.onceOnly, "\(firing)", "its rule fired \(count) times, for \(known) events")
        }
        let unfired = asked.compactMap { firing, count -> Violation? in
            let times = fired[firing] ?? 0
            guard count > times else { return nil }
            return Violation(.onceOnly, "\(firing)", "asked for \(count) times, and its rule fired \(times) times")
        }
        return tooOften + unfired
    }

    private static func unasked(_ index: HistoryIndex) -> [Violation] {
        let asked = requests(index)
        return firings(index).compactMap { firing, count in
            let times = asked[firing] ?? 0
            guard count > times else { return nil }
            return Violation(.end, "\(firing)", "its rule fired \(count) times, and it was asked for \(times) times")
        }
    }

    /// A rule that nobody has changed since it was made, and that has looked at a release, overlooks none behind it.
    ///
    /// A version that was published before is no news.
    private static func overlooked(_ index: HistoryIndex) -> [Violation] {
        var changes: [String: Int] = [:]
        for command in index.history.database.commands { changes[command.about, default: 0] += 1 }
        let looked = Set(evaluations(index).map(\.firing))
        let published = releases(index)
        var found: [Violation] = []
        for (rule, artifact) in index.history.database.rules where changes[rule] == 1 {
            let place = rule.split(separator: " ").last.map(String.init) ?? ""
            var versions: Set<String> = []
            var hasLooked = false
            for (message, release) in published where release.artifact == artifact {
                guard versions.insert(release.version).inserted else { continue }
                if looked.contains(Firing(place: place, version: release.version)) {
                    hasLooked = true
                } else if hasLooked {
                    found.append(Violation(.end, rule, "it never looked at \(release.version), at \(message.place)"))
                }
            }
        }
        return found
    }

    // MARK: What was said

    /// What a rule deploys: `project/environment/instance`, and the version.
    private struct Firing: Hashable, CustomStringConvertible {
        let place: String
        let version: String

        var description: String { "\(version) in \(place)" }
    }

    private struct Release: Decodable {
        let artifact: String
        let version: String
    }

    /// The part that a rule's word about a release and its request have in common.
    private struct Word: Decodable {
        let project: String
        let environment: String
        let instance: String
        let version: String
        let fired: Bool?

        var firing: Firing { Firing(place: "\(project)/\(environment)/\(instance)", version: version) }
    }

    /// The releases that were not dead-lettered, in the order of each partition; those of one artifact lie in one.
    private static func releases(_ index: HistoryIndex) -> [(message: SeenMessage, release: Release)] {
        index.history.messages.compactMap { message in
            guard message.topic == Topic.releases, message.type == "slipway.release.published.v1",
                index.letters[message.place] == nil, let release = message.decoded(Release.self)
            else { return nil }
            return (message: message, release: release)
        }
    }

    /// What rules said of releases, without repetitions.
    private static func evaluations(_ index: HistoryIndex) -> [Word] {
        words(index) { $0.topic == Topic.results && $0.type == "slipway.autodeploy.evaluated.v1" }
    }

    private static func firings(_ index: HistoryIndex) -> [Firing: Int] {
        counts(evaluations(index).filter { $0.fired == true })
    }

    private static func requests(_ index: HistoryIndex) -> [Firing: Int] {
        counts(words(index) { $0.topic == Topic.requests && $0.source == "/slipway/release-worker" })
    }

    private static func words(_ index: HistoryIndex, where isMeant: (SeenMessage) -> Bool) -> [Word] {
        var seen: Set<String> = []
        return index.history.messages.compactMap { message in
            guard isMeant(message), seen.insert(message.id ?? "").inserted else { return nil }
            return message.decoded(Word.self)
        }
    }

    private static func counts(_ words: [Word]) -> [Firing: Int] {
        words.reduce(into: [:]) { $0[$1.firing, default: 0] += 1 }
    }
}
