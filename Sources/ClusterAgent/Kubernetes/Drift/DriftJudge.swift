import Domain

/// Finds what is not as the newest command of a subject has left it.
enum DriftJudge {
    /// Kinds that come and go by themselves: a finished Job may be cleaned away.
    private static let passing: Set<String> = ["Job", "Pod"]

    /// The objects that somebody else has changed or removed, in their order.
    ///
    /// - Parameters:
    ///   - kinds: The kinds that are watched: of others nothing is known.
    ///   - find: An object as it is seen now.
    static func drift(
        of record: MarkRecord,
        kinds: [WatchedKind],
        find: (ClusterObject.ID) -> ClusterObject?
    ) -> [DriftedObject] {
        guard !record.isRemoval else { return [] }
        return record.followed(kinds).compactMap { applied in
            guard !passing.contains(applied.kind) else { return nil }
            let id = ClusterObject.ID(kind: applied.kind, namespace: applied.namespace, name: applied.name)
            guard let change = change(of: applied, owned: record.owned?[MarkRecord.place(of: applied)], find(id)) else {
                return nil
            }
            return DriftedObject(
                apiVersion: applied.apiVersion,
                kind: applied.kind,
                name: applied.name,
                change: change
            )
        }.sorted()
    }

    private static func change(of applied: AppliedObject, owned: String?, _ now: ClusterObject?) -> DriftedObject
        .Change?
    {
        guard let now else { return .missing }
        guard let owned, now.deletedAt == nil, now.owned != owned else { return nil }
        return .changed
    }
}
