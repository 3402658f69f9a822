/// What the database holds at the end of a run, as far as it is judged.
package struct DatabaseState: Sendable {
    package var commands: [StoredCommand] = []
    package var steps: [StoredStep] = []
    package var claims: [StoredClaim] = []
    package var parked: [StoredParkedKey] = []
    /// How many messages wait, by group, topic and partition.
    package var parkedMessages: [PartitionName: Int64] = [:]
    package var outbox: Int64 = 0
    package var undeliverable: Int64 = 0
    package var resources: [StoredResource] = []
    /// The newest revision of each subject, by topic and key; of those that were ever published.
    package var revisions: [SubjectName: Int64] = [:]
    /// What each subject is now, by topic and key; of those that were ever published.
    package var statuses: [SubjectName: StoredStatus] = [:]
    /// Streams whose agent has still to send a snapshot.
    package var wantedSnapshots: [String] = []
    /// Numbers that were missing, of all streams.
    package var gaps: Int64 = 0
    /// The versions that are recorded, as artifact and version with a blank between.
    package var versions: Set<String> = []
    /// The artifacts whose releases the rules wait for, by what ``StoredCommand/about`` calls the rules.
    package var rules: [String: String] = [:]
    /// What can be compared with what was asked for: the names of projects and clusters, and whether rules are enabled, by what
    /// ``StoredCommand/about`` calls them.
    package var values: [String: String] = [:]

    package init() {}
}

/// A topic and a key.
package struct SubjectName: Sendable, Hashable {
    package var topic: String
    package var key: String

    package init(topic: String, key: String) {
        (self.topic, self.key) = (topic, key)
    }
}

/// What the database says of something whose states are published.
package struct StoredStatus: Sendable, Hashable {
    package var isGone: Bool
    /// Its state and its health, of what has them.
    package var state: String?
    package var health: String?

    package init(isGone: Bool, state: String? = nil, health: String? = nil) {
        (self.isGone, self.state, self.health) = (isGone, state, health)
    }
}

/// A partition as one group consumes it.
package struct PartitionName: Sendable, Hashable, CustomStringConvertible {
    package var group: String
    package var topic: String
    package var partition: Int32

    package init(group: String, topic: String, partition: Int32) {
        (self.group, self.topic, self.partition) = (group, topic, partition)
    }

    package var description: String { "\(group) \(topic)-\(partition)" }
}

/// A row of `command`.
package struct StoredCommand: Sendable, Hashable {
    package var id: String
    package var source: String
    package var request: String
    package var state: String
    package var revision: Int64
    /// The instance or object, with its generation: each is given to one command.
    package var subject: String?
    package var generation: Int64
    package var isPastDeadline: Bool
    /// What it is about: its kind and where it is, such as `project p0` or `auto-deploy p0/e0/web`.
    package var about = ""
}

/// A row of `command_step`.
package struct StoredStep: Sendable, Hashable {
    package var command: String
    package var revision: Int64
    package var state: String
    package var isLate: Bool
}

/// A row of `partition_claim`.
package struct StoredClaim: Sendable, Hashable {
    package var name: PartitionName
    package var nextOffset: Int64
    package var consumed: Int64
    package var outcomes: Outcomes
    package var parked: Int64
    package var released: Outcomes
    package var lost: Int64
    package var incarnation: Int32
}

/// How many messages had each outcome.
package struct Outcomes: Sendable, Hashable {
    package var applied: Int64 = 0
    package var repeated: Int64 = 0
    package var stale: Int64 = 0
    package var rejected: Int64 = 0
    package var deadLettered: Int64 = 0

    package init(
        applied: Int64 = 0,
        repeated: Int64 = 0,
        stale: Int64 = 0,
        rejected: Int64 = 0,
        deadLettered: Int64 = 0
    ) {
        (self.applied, self.repeated, self.stale) = (applied, repeated, stale)
        (self.rejected, self.deadLettered) = (rejected, deadLettered)
    }

    /// Those that were not given up.
    package var handled: Int64 { applied + repeated + stale + rejected }
    package var sum: Int64 { handled + deadLettered }
}

/// A row of `parked_key`.
package struct StoredParkedKey: Sendable, Hashable {
    package var name: PartitionName
    package var key: String
    /// By how many seconds it is overdue; negative where it is due later, none where it has no time.
    package var overdue: Double?
    package var hasReason: Bool
}

/// A row of `resource`.
package struct StoredResource: Sendable, Hashable {
    package var cluster: String
    package var namespace: String
    package var kind: String
    package var name: String
    package var uid: String
    package var position: StreamPosition
    package var isGone: Bool
    /// As the agent told it; nothing of what is gone, and of secrets what is left of them.
    package var object: String?
}
