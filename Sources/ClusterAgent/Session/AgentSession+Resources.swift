import Domain

extension AgentSession {
    /// Tells how an object looks; before the welcome nothing is told, because the first snapshot tells everything.
    mutating func sendChange(of object: ClusterObject, now: Int64) {
        sendResource(
            ResourceChangeType.changed,
            in: object.id.namespace,
            instance: object.instance,
            data: object.json,
            now: now
        )
    }

    /// Tells that an object is not there any more.
    mutating func sendGone(_ object: ClusterObject, now: Int64) {
        sendResource(
            ResourceChangeType.gone,
            in: object.id.namespace,
            instance: object.instance,
            data: object.goneJSON,
            now: now
        )
    }

    /// Notes a namespace of which every later snapshot tells, also when it is empty or deleted.
    mutating func addNamespace(_ name: String) {
        guard namespaces.insert(name).inserted else { return }
        wantSnapshot(of: name)
    }

    /// Ends a removed namespace with a last snapshot, of nothing, and tells no more of it.
    mutating func dropNamespace(_ name: String, now: Int64, _ view: some Cluster) {
        snapshots.removeAll { $0 == name }
        namespaces.remove(name)
        forgetOutput(of: name)
        sendSnapshot(of: name, now: now, view)
    }

    /// Tells everything that the agent sees, because the fleet has not heard what happened meanwhile.
    mutating func tellAll(now: Int64) {
        account.begin()
        wantSnapshots(now: now)
    }

    /// Says that everything has arrived that was told up to a mark, unless something was lost or is told anew.
    public mutating func complete(_ mark: AccountMark, now: Int64) {
        if account.complete(mark) { heartbeat = now }
    }

    mutating func wantSnapshots(now: Int64) {
        nextSnapshot = now + snapshotPeriod
        forgetArrived(now: now)
        for namespace in namespaces.sorted() { wantSnapshot(of: namespace) }
    }

    mutating func wantSnapshot(of namespace: String) {
        if !snapshots.contains(namespace) { snapshots.append(namespace) }
    }

    /// Sends every object of a namespace, kind by kind, in the stream of its changes.
    mutating func sendSnapshot(of namespace: String, now: Int64, _ view: some Cluster) {
        for kind in view.kinds {
            let began = (changeSequences[namespace] ?? 0) + 1
            let objects = view.objects(in: namespace, kind: kind)
            for object in objects { sendChange(of: object, now: now) }
            let end: ObjectValue = [
                "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind), "began": .int(began),
                "count": .int(Int64(objects.count)),
            ]
            sendResource(ResourceChangeType.snapshotEnded, in: namespace, instance: nil, data: end.json, now: now)
        }
    }

    /// Sends something on `resource.changes` under the namespace's next number.
    mutating func sendResource(_ type: String, in namespace: String, instance: String?, data: [UInt8], now: Int64) {
        guard let epoch else { return }
        let sequence = (changeSequences[namespace] ?? 0) + 1
        changeSequences[namespace] = sequence
        send(
            topic: AgentMessage.changes,
            key: "\(cluster)/\(namespace)",
            type: type,
            epoch: epoch,
            sequence: sequence,
            instance: instance,
            data: data,
            now: now
        )
    }
}
