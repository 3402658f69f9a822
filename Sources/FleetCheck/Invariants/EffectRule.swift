/// I2, of what was really done in the clusters: each command had at most one effect in a cluster, never behind that of a newer
/// one, and only what was asked for; what is said to be applied is.
///
/// An effect is that something in the cluster is not as it was before: to apply the same once more, as an agent does that
/// finds no mark of what the one before it did, has none.
enum EffectRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        let clusters = index.history.clusters
        guard !clusters.isEmpty else { return [] }
        return clusters.flatMap { twice($0) + backwards($0) + unasked($0, index) } + undone(index)
    }

    private static func twice(_ cluster: KeptCluster) -> [Violation] {
        var counts: [String: Int] = [:]
        for effect in cluster.entries.lazy.flatMap(\.effects) { counts[effect.command, default: 0] += 1 }
        return counts.filter { $0.value > 1 }.map {
            Violation(.onceOnly, "command \($0.key)", "it changed something in \(cluster.cluster) \($0.value) times")
        }
    }

    /// What a newer command of the same subject has made stays.
    private static func backwards(_ cluster: KeptCluster) -> [Violation] {
        struct Subject: Hashable {
            let namespace: String
            let name: String
        }
        var newest: [Subject: KeptCluster.Deed] = [:]
        var found: [Violation] = []
        func take(_ deed: KeptCluster.Deed, _ says: String) {
            let subject = Subject(namespace: deed.namespace, name: deed.subject)
            guard let before = newest[subject], before.generation > deed.generation else {
                newest[subject] = deed
                return
            }
            let order = "generation \(deed.generation) \(says) behind \(before.generation), of \(before.command)"
            let place = "\(cluster.cluster)/\(deed.namespace)/\(deed.subject)"
            found.append(Violation(.onceOnly, place, "\(order): command \(deed.command)"))
        }
        for entry in cluster.entries {
            for effect in entry.effects { take(effect, "changed something") }
            for mark in entry.marks { take(mark, "was marked as done") }
        }
        return found
    }

    private static func unasked(_ cluster: KeptCluster, _ index: HistoryIndex) -> [Violation] {
        let asked = Set(index.history.database.commands.map(\.id))
        let done = Set(cluster.entries.lazy.flatMap(\.effects).map(\.command))
        return done.subtracting(asked).map {
            Violation(.onceOnly, "command \($0)", "it changed something in \(cluster.cluster), and nobody has given it")
        }
    }

    /// What the ledger calls applied of instances and objects is done in a cluster; the rest the fleet does itself.
    private static func undone(_ index: HistoryIndex) -> [Violation] {
        let done = Set(index.history.clusters.lazy.flatMap(\.entries).flatMap { $0.marks + $0.effects }.map(\.command))
        let database = index.history.database
        let asked = Set(database.commands.lazy.filter { $0.subject != nil }.map(\.id))
        let applied = Set(database.steps.lazy.filter { $0.state == "applied" }.map(\.command))
        return applied.intersection(asked).subtracting(done).map {
            Violation(.onceOnly, "command \($0)", "the ledger says that it was applied, and no cluster knows of it")
        }
    }
}
