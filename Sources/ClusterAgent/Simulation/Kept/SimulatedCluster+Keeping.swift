import Domain

extension SimulatedCluster {
    /// What the file knows, and what it is still to be told.
    struct Kept: Sendable {
        var marks: [CommandSubject: CommandMark] = [:]
        var releases: [CommandSubject: Release] = [:]
        var namespaces: [String: ClusterEntry.Namespace] = [:]
        /// Objects that have changed, or something about them.
        var touched: Set<ClusterObject.ID> = []
        var effects: [ClusterEntry.Deed] = []
        var done: [ClusterEntry.Deed] = []
    }

    /// Notes that an object was changed, made or removed.
    mutating func noteChange(of id: ClusterObject.ID) {
        changes += 1
        touch(id)
    }

    /// Notes that something is to be kept of an object.
    mutating func touch(_ id: ClusterObject.ID) {
        if file != nil { kept.touched.insert(id) }
    }

    /// Notes that a command has changed something, where something was changed since.
    mutating func noteEffect(of work: ClusterWork, since before: Int? = nil) {
        if file != nil, before != changes { kept.effects.append(ClusterEntry.Deed(work)) }
    }

    /// Notes that a command is marked as done.
    mutating func noteMark(of work: ClusterWork) {
        if file != nil { kept.done.append(ClusterEntry.Deed(work)) }
    }

    // MARK: Turns

    /// Waits until no other process changes the cluster, and takes in what they have changed.
    mutating func takeTurn(at time: Int64) {
        guard let file else { return }
        file.beginTurn()
        now = max(now, time)
        let isOpened = time == 0
        let changed = takeIn(file.unread())
        if isOpened { events = [] }
        // What happens by itself goes on where somebody plays it.
        if !isOpened, file.takeControl() {
            for namespace in terminating.sorted() { later(timings.observe, .vanish(namespace: namespace)) }
            for id in objects.keys.sorted() { resume(id) }
        } else if file.isController {
            for id in changed { resume(id) }
        }
    }

    /// Writes what has changed to the file and lets others have their turn.
    mutating func endTurn() {
        guard let file else { return }
        var entry = ClusterEntry(at: now)
        for id in kept.touched.sorted() {
            if let object = objects[id] { entry.objects.append(shown(object)) } else { entry.removed.append(id) }
        }
        entry.namespaces = changedNamespaces()
        entry.subjects = changedSubjects()
        (entry.effects, entry.marks) = (kept.effects, kept.done)
        if !entry.isEmpty { file.append(entry) }
        (kept.touched, kept.effects, kept.done) = ([], [], [])
        file.endTurn()
    }

    private func shown(_ object: ClusterObject) -> ClusterEntry.Object {
        ClusterEntry.Object(
            id: object.id,
            apiVersion: object.apiVersion,
            shown: String(decoding: object.json, as: UTF8.self),
            createdAt: object.createdAt,
            deletedAt: object.deletedAt,
            life: lives[object.id],
            rollout: rollouts[object.id],
            task: tasks[object.id]
        )
    }

    private mutating func changedNamespaces() -> [String: ClusterEntry.Namespace] {
        var present: [String: ClusterEntry.Namespace] = [:]
        for name in namespaceNames { present[name] = terminating.contains(name) ? .leaving : .there }
        guard present != kept.namespaces else { return [:] }
        var changed = present.filter { kept.namespaces[$0.key] != $0.value }
        for name in kept.namespaces.keys where present[name] == nil { changed[name] = .gone }
        kept.namespaces = present
        return changed
    }

    private mutating func changedSubjects() -> [ClusterEntry.Subject] {
        var present = releases
        for subject in operations.keys where present[subject] != nil { present[subject]?.isInterrupted = true }
        guard marks != kept.marks || present != kept.releases else { return [] }
        let known = Set(marks.keys).union(kept.marks.keys).union(present.keys).union(kept.releases.keys)
        let changed = known.filter { marks[$0] != kept.marks[$0] || present[$0] != kept.releases[$0] }
        (kept.marks, kept.releases) = (marks, present)
        return changed.map { ClusterEntry.Subject(subject: $0, mark: marks[$0], release: present[$0]) }
    }

    // MARK: What others did

    /// Takes in what other processes have changed, this one's former lives among them; returns the objects it is about.
    private mutating func takeIn(_ entries: [ClusterEntry]) -> [ClusterObject.ID] {
        guard !entries.isEmpty else { return [] }
        var latest: [ClusterObject.ID: ClusterEntry.Object?] = [:]
        for entry in entries {
            for object in entry.objects {
                latest[object.id] = .some(object)
                brought.insert(WatchedKind(object.apiVersion, object.id.kind))
            }
            for id in entry.removed { latest[id] = .some(nil) }
            for subject in entry.subjects {
                if let before = marks[subject.subject], before.command != subject.mark?.command {
                    former[subject.subject, default: []].insert(before.command)
                }
                marks[subject.subject] = subject.mark
                releases[subject.subject] = subject.release
            }
            for (name, state) in entry.namespaces {
                if state == .gone { namespaceNames.remove(name) } else { namespaceNames.insert(name) }
                if state == .leaving { terminating.insert(name) } else { terminating.remove(name) }
                kept.namespaces[name] = state == .gone ? nil : state
            }
        }
        (kept.marks, kept.releases) = (marks, releases)
        let changed = latest.keys.sorted()
        for id in changed {
            if let stored = latest[id] ?? nil, let object = stored.object() {
                takeIn(object, stored)
            } else {
                forget(id)
            }
        }
        endHooks()
        return changed
    }

    private mutating func takeIn(_ object: ClusterObject, _ stored: ClusterEntry.Object) {
        objects[object.id] = object
        (lives[object.id], rollouts[object.id], tasks[object.id]) = (stored.life, stored.rollout, stored.task)
        if let owner = object.owner { children[owner.uid, default: []].insert(object.id) }
        version = max(version, Int64(object.resourceVersion) ?? 0)
        report(.changed(object))
    }

    private mutating func forget(_ id: ClusterObject.ID) {
        guard let object = objects.removeValue(forKey: id) else { return }
        if let owner = object.owner { children[owner.uid]?.remove(id) }
        children[object.uid] = nil
        (lives[id], rollouts[id], tasks[id], happened[id]) = (nil, nil, nil, nil)
        report(.gone(object))
    }

    /// Goes on with releases whose hooks ended while another process played the controllers.
    private mutating func endHooks() {
        for job in operations.values.compactMap({ $0.run?.job }).sorted() {
            if objects[job]?.status?["conditions"] != nil { jobEnded(job) }
        }
    }

    /// Lets what happens to an object by itself go on.
    private mutating func resume(_ id: ClusterObject.ID) {
        guard let object = objects[id] else { return }
        noteEndpoints(of: object)
        switch id.kind {
        case "Pod":
            if object.deletedAt != nil {
                later(timings.terminate, .remove(id, uid: object.uid))
            } else if lives[id]?.isMoving == true {
                later(timings.start, .advance(id, uid: object.uid))
            }
        case "Deployment", "StatefulSet", "Job":
            later(timings.observe, .reconcile(id))
            let patience = max(1, object.spec?["progressDeadlineSeconds"]?.int ?? 600) * 1_000_000
            if let rollout = rollouts[id], !rollout.isComplete {
                agenda.add(.checkProgress(id), at: rollout.progressedAt + patience)
            }
        case "Certificate":
            let conditions = object.status?["conditions"]?.elements ?? []
            guard conditions.contains(where: { $0["type"]?.string == "Issuing" }) else { return }
            later(timings.issue, .settle(id, uid: object.uid))
        default: later(timings.ready, .settle(id, uid: object.uid))
        }
    }
}
