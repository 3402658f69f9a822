import Foundation
import Postgres
import WorkerRuntime

/// A cluster's row under its lock.
struct ClusterRow {
    let name: String
    var keys: ClusterKeys
    var agent: AgentRecord
    var gaps: Int64
    var lastSeen: Int64?
    var account: AgentAccount
    var partition: Int32?
    var before: AgentState
    /// By how many microseconds the agent's clock is ahead of the database's at least, by this batch's heartbeats.
    var clockAhead: Int64?
    /// Whether the agent was asked for its hello in this batch: once is enough.
    var isHelloAsked = false

    /// Notes that the agent lives: by the broker's time where the broker set it, which no agent can choose.
    ///
    /// - Returns: When it was heard: microseconds since 1970.
    @discardableResult
    mutating func note(_ message: KafkaMessageView, now: Int64) -> Int64 {
        let heard = Self.time(of: message, now: now)
        lastSeen = max(lastSeen ?? 0, heard)
        partition = message.partition
        agent.noteWord(at: heard)
        return heard
    }

    /// Notes that somebody else said hello, and was refused.
    mutating func noteRefusal(_ message: KafkaMessageView, now: Int64) {
        agent.noteRefusal(at: Self.time(of: message, now: now))
    }

    private static func time(of message: KafkaMessageView, now: Int64) -> Int64 {
        message.isBrokerTime ? message.timestampMilliseconds * 1000 : now
    }

    /// Counts messages that are missing; an agent may leave out as many as it likes.
    mutating func noteGap(_ missing: Int64) {
        let (sum, overflows) = gaps.addingReportingOverflow(missing)
        gaps = overflows ? .max : sum
    }

    /// Takes when a heartbeat was made: what waited on its way seems to come from a clock that is behind, so the largest
    /// difference counts.
    mutating func noteClock(_ made: Int64?, now: Int64) {
        guard let made else { return }
        clockAhead = max(clockAhead ?? .min, made - now)
    }
}

extension AgentStatusHandler {
    /// Locks the rows of all clusters of a batch, in one order.
    func lockClusters(
        of batch: Batch<AgentStatusInput>,
        in transaction: borrowing PostgresTransaction
    ) throws -> [String: ClusterRow] {
        let names = Set(batch.entries.map(\.input.cluster)).sorted()
        let rows = try transaction.query(
            """
            select cluster, uid, epoch, boot, sequence, state, gaps, last_seen, status_partition, account_complete_since,
                account_heard_at, account_epoch, hello_refused_at, \(ClusterKeys.columns)
            from cluster
            where cluster = any($1) and deleted_at is null order by cluster for no key update
            """,
            [.array(.texts(names))]
        )
        var clusters: [String: ClusterRow] = [:]
        for row in rows {
            let state = AgentState(rawValue: try row.string(5)) ?? .unknown
            clusters[try row.string(0)] = ClusterRow(
                name: try row.string(0),
                keys: try ClusterKeys(row, from: 13),
                agent: AgentRecord(
                    uid: try row.optionalString(1),
                    epoch: try row.int64(2),
                    boot: try row.optionalUUID(3)?.uuidString.lowercased(),
                    sequence: try row.int64(4),
                    state: state,
                    refusedAt: try row.optionalTimestamp(12)
                ),
                gaps: try row.int64(6),
                lastSeen: try row.optionalTimestamp(7),
                account: AgentAccount(
                    completeSince: try row.optionalTimestamp(9),
                    heardAt: try row.optionalTimestamp(10),
                    epoch: try row.optionalInt64(11),
                    of: try row.int64(2)
                ),
                partition: try row.optionalInt32(8),
                before: state
            )
        }
        return clusters
    }

    /// Writes the rows back.
    ///
    /// Of an agent's clock the largest difference of an hour counts, in one epoch.
    func write(_ clusters: [String: ClusterRow], now: Int64, in transaction: borrowing PostgresTransaction) throws {
        for cluster in clusters.values.sorted(by: { $0.name < $1.name }) {
            try transaction.submit(
                """
                update cluster set uid = $2, epoch = $3, boot = $4, sequence = $5, state = $6, gaps = $7, last_seen = $8,
                    status_partition = $9, revision = revision + $10, agent_key_id = $11,
                    account_complete_since = $12, account_heard_at = $13, account_epoch = $3, hello_refused_at = $16,
                    clock_ahead_us = case
                        when epoch = $3 and $14::bigint is null then clock_ahead_us
                        when epoch = $3 and clock_since > $15::timestamptz - interval '1 hour'
                            then greatest(clock_ahead_us, $14)
                        -- Of a new boot nothing is known before its first heartbeat.
                        else $14 end,
                    clock_since = case
                        when epoch = $3 and ($14 is null or clock_since > $15 - interval '1 hour') then clock_since
                        when $14 is not null then $15 end
                where cluster = $1
                """,
                [
                    .text(cluster.name), .optionalText(cluster.agent.uid), .int64(cluster.agent.epoch),
                    .optionalUUID(cluster.agent.boot.flatMap(UUID.init(uuidString:))), .int64(cluster.agent.sequence),
                    .text(cluster.agent.state.rawValue), .int64(cluster.gaps), .optionalTimestamp(cluster.lastSeen),
                    .optionalInt32(cluster.partition), .int64(cluster.agent.state == cluster.before ? 0 : 1),
                    .optionalInt32(cluster.keys.agent), .optionalTimestamp(cluster.account.completeSince),
                    .optionalTimestamp(cluster.account.heardAt), .optionalInt64(cluster.clockAhead), .timestamp(now),
                    .optionalTimestamp(cluster.agent.refusedAt),
                ]
            )
        }
    }
}
