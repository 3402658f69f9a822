import Foundation
import Postgres

@testable import Domain
@testable import WorkerRuntime

/// The database's tables, with transactions that happen one after the other.
///
/// PostgreSQL's row locks make the fleet's transactions equal to some such order; what it does beside that is not played.
final class Database {
    private let journal: Journal
    let claims: Table<ClaimName, ClaimRow>
    let inbox: Table<UUID, InboxRow>
    let parked: Table<ParkedName, ParkedRow>
    let outbox: Outbox
    let commands: Table<UUID, Command>
    /// The commands that are not ended.
    let open: Table<UUID, String>
    let steps: Log<StepRow>
    /// The newest result of each command, to answer a repetition with.
    let answers: Table<UUID, OutboxRecord>
    /// What the agents say that the commands applied.
    let applied: Table<UUID, [AppliedObject]>
    let instances: Table<InstanceName, InstanceEntry>
    let clusters: Table<String, ClusterEntry>
    let boots: Table<String, BootRow>
    let streams: Table<StreamID, StreamState>
    let resources: Table<ResourceID, ResourceState>
    let leases: Table<Int, LeaseRow>
    let marks: Table<OutboxKey, Bool>
    /// Until when the server is away.
    var awayUntil: Int64 = 0
    /// What goes wrong with a transaction, asked at its end.
    var trouble: () -> Trouble? = { nil }
    /// Who is told that rows wait in the outbox.
    var published: () -> Void = {}

    init() {
        let journal = Journal()
        self.journal = journal
        outbox = Outbox(shards: 4, journal)
        steps = Log(journal)
        (claims, inbox, parked) = (Table(journal), Table(journal), Table(journal))
        (commands, open, answers, applied) = (Table(journal), Table(journal), Table(journal), Table(journal))
        (instances, clusters, boots) = (Table(journal), Table(journal), Table(journal))
        (streams, resources, leases, marks) = (Table(journal), Table(journal), Table(journal), Table(journal))
    }

    /// What can go wrong with a transaction.
    enum Trouble {
        /// It lost against another one.
        case serialization
        /// The connection was lost before COMMIT.
        case lost
        /// COMMIT happened, and its answer was lost.
        case answerLost
    }

    /// All of it happens or nothing.
    func transaction<R>(at now: Int64, _ body: () throws -> R) throws -> R {
        guard now >= awayUntil else { throw PostgresError(kind: .connection, message: "the server is away") }
        let waiting = outbox.count
        let result: R
        do {
            result = try body()
        } catch {
            journal.rollback()
            throw error
        }
        let trouble = trouble()
        if trouble == .serialization || trouble == .lost {
            journal.rollback()
            throw trouble == .lost
                ? PostgresError(kind: .connection, message: "the connection was lost")
                : PostgresError(kind: .server, message: "it lost against another one", sqlState: .serializationFailure)
        }
        journal.commit()
        if outbox.count > waiting { published() }
        if trouble == .answerLost { throw PostgresError(kind: .commitUnknown, message: "the answer was lost") }
        return result
    }

    /// Up to when a group has handled what a key says: `handled_until` of the migrations.
    func handledUntil(_ topic: String, _ partition: Int, key: String) -> Int64? {
        guard let until = claims[ClaimName(topic: topic, partition: partition)]?.consumedUntil else { return nil }
        return min(until, parked[ParkedName(topic: topic, key: key)]?.parkedAt ?? .max)
    }
}

/// A partition; each topic has one group.
struct ClaimName: Hashable {
    let topic: String
    let partition: Int
}

/// A row of `partition_claim`.
struct ClaimRow: Equatable {
    var epoch: Int64 = 0
    var nextOffset: Int64 = 0
    var consumedUntil: Int64?
    var tally = Tally()
    var released = Tally()
}

/// A row of `inbox`.
struct InboxRow {
    let digest: [UInt8]
    var answer: OutboxRecord?
}

/// A key whose message failed.
struct ParkedName: Hashable {
    let topic: String
    let key: String
}

/// A row of `parked_key` with those of `parked_message`.
struct ParkedRow {
    var partition: Int
    var due: Int64
    /// How often the message failed, and how often a transaction did in which it was tried.
    var attempt: Int
    var failures = 0
    var reason: Reason
    let parkedAt: Int64
    var messages: [Message]
}

/// A row of `command_step`.
struct StepRow {
    let command: UUID
    let step: LedgerStep
}

/// An instance within the environment that is the key of its requests.
struct InstanceName: Hashable {
    let environment: String
    let name: String
}

/// A row of `instance`.
struct InstanceEntry {
    let id: Int64
    var generation: Int64 = 0
    var state = InstanceState.operating
    var openCommand: UUID?
    var settledState: InstanceState?
    var runningGeneration: Int64?
    var desired: DesiredState?
    var settled: DesiredState?
    var revision: Int64 = 0
}

/// A row of `cluster`.
struct ClusterEntry {
    var agent = AgentRecord(uid: nil, epoch: 0, boot: nil, sequence: 0, state: .unknown)
    var lastSeen: Int64?
    var account = AgentAccount()
    var partition: Int?
}

/// A row of `agent_boot`.
struct BootRow {
    let cluster: String
    var isSuperseded = false
}

/// A row of `outbox_lease`.
struct LeaseRow {
    var owner: Int?
    var epoch: Int64 = 0
    var until: Int64 = 0
    /// The producer that may still hold rows.
    var producer: Int?
}
