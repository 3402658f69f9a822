import Domain

/// How far a Deployment's rollout has come, and since when it has stood still.
struct Rollout: Codable, Sendable, Hashable {
    /// The pods of a Deployment, counted.
    struct Counts: Codable, Sendable, Hashable {
        var replicas: Int64 = 0
        var updated: Int64 = 0
        var ready: Int64 = 0
    }

    var counts = Counts()
    /// The generation of the specification that it rolls out.
    var generation: Int64 = 0
    /// When it last came further: microseconds since 1970.
    var progressedAt: Int64 = 0
    /// Whether it has ended: every pod is new and ready.
    var isComplete = false
    /// Whether it stood still longer than its deadline allows.
    var isOverdue = false

    /// Notes how things stand.
    mutating func observe(_ next: Counts, wanted: Int64, generation: Int64, deadline: Int64, now: Int64) {
        let old = (counts.replicas - counts.updated, next.replicas - next.updated)
        let isNew = generation != self.generation
        if isNew || next.updated > counts.updated || next.ready > counts.ready || old.1 < old.0 {
            progressedAt = now
            isOverdue = false
        }
        if isNew { isComplete = false }
        self.generation = generation
        counts = next
        if next.updated == wanted, next.replicas == wanted, next.ready == wanted { isComplete = true }
        if isComplete {
            isOverdue = false
        } else if now - progressedAt >= deadline {
            isOverdue = true
        }
    }
}

/// Writes a Deployment's status with the words of its controller.
struct DeploymentStatus {
    let deployment: ClusterObject
    let rollout: Rollout
    /// The name of the newest ReplicaSet.
    let replicaSet: String
    let least: Int64
    let wanted: Int64

    var value: ObjectValue {
        let counts = rollout.counts
        var status: ObjectValue = ["observedGeneration": .int(deployment.generation ?? 1)]
        let numbers: [(String, Int64)] = [
            ("replicas", counts.replicas), ("updatedReplicas", counts.updated), ("readyReplicas", counts.ready),
            ("availableReplicas", counts.ready), ("unavailableReplicas", max(0, wanted - counts.ready)),
        ]
        // Zeros are left out, as Go does it.
        for (name, number) in numbers where number > 0 { status[name] = .int(number) }
        status["conditions"] = [available, progressing]
        return status
    }

    private var available: ObjectValue {
        rollout.counts.ready >= least
            ? condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
            : condition(
                "Available",
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability."
            )
    }

    private var progressing: ObjectValue {
        if rollout.isComplete {
            return condition(
                "Progressing",
                "True",
                "NewReplicaSetAvailable",
                "ReplicaSet \"\(replicaSet)\" has successfully progressed."
            )
        }
        if rollout.isOverdue {
            return condition(
                "Progressing",
                "False",
                "ProgressDeadlineExceeded",
                "ReplicaSet \"\(replicaSet)\" has timed out progressing."
            )
        }
        return condition("Progressing", "True", "ReplicaSetUpdated", "ReplicaSet \"\(replicaSet)\" is progressing.")
    }

    private func condition(_ type: String, _ status: String, _ reason: String, _ message: String) -> ObjectValue {
        [
            "type": .string(type), "status": .string(status), "reason": .string(reason), "message": .string(message),
            "lastUpdateTime": .string(ClusterObject.time(rollout.progressedAt)),
        ]
    }
}
