import Postgres
public import WorkerRuntime

/// Which numbers of a cluster's key are valid: the present one and, while it is rotated, the one before it.
///
/// The keys themselves are derived from the fleet's key and the number, so numbers are all there is to keep.
public struct ClusterKeys: Sendable, Hashable {
    /// The number that the agent should use.
    public var current: Int32
    /// The number before it, as long as nobody has retired it.
    public var previous: Int32?
    /// Until when the number before is valid: microseconds since 1970; `nil` until it is retired.
    public var previousUntil: Int64?
    /// The number that signed the agent's newest hello; `nil` before the first.
    public var agent: Int32?

    /// Makes the numbers of a cluster.
    public init(current: Int32, previous: Int32? = nil, previousUntil: Int64? = nil, agent: Int32? = nil) {
        self.current = current
        self.previous = previous
        self.previousUntil = previousUntil
        self.agent = agent
    }

    /// Whether what is signed with a number counts; two comparisons on the hot path.
    ///
    /// - Parameter now: Microseconds since 1970.
    public func accepts(_ number: Int32, now: Int64) -> Bool {
        number == current || (number == previous && now < previousUntil ?? .max)
    }

    /// Why what is signed with a number does not count; `nil` where it does.
    public func refusal(of number: Int32, cluster: String, now: Int64) -> Reason? {
        guard !accepts(number, now: now) else { return nil }
        let isRetired = (1..<max(current, 1)).contains(number)
        return Reason(
            code: isRetired ? "retired_key" : "unknown_key",
            sentence: "The message is signed with key \(number) of the cluster '\(cluster.prefix(80))', which "
                + (isRetired ? "was retired" : "was never given out") + "; its key is number \(current).",
            field: MessageSignature.header
        )
    }

    /// The number to sign with what is sent to the agent: the one it holds, as long as that counts.
    public func signing(now: Int64) -> Int32 {
        guard let agent, accepts(agent, now: now) else { return current }
        return agent
    }

    /// The numbers after a rotation: the next one, and the present one beside it.
    ///
    /// - Parameter until: Until when the present one stays valid; `nil` until it is retired.
    /// - Throws: A reason where the rotation before is not finished: agents could be locked out unnoticed.
    public func rotated(until: Int64?, cluster: String, now: Int64) throws(Reason) -> ClusterKeys {
        if let previous, accepts(previous, now: now) {
            throw Reason(
                code: "rotation_open",
                sentence: "Key \(previous) of the cluster '\(cluster)' is still valid beside key \(current); "
                    + "retire it first with 'slipway keys retire \(cluster)'."
            )
        }
        return ClusterKeys(current: current + 1, previous: current, previousUntil: until, agent: agent)
    }

    /// The numbers after the end of a rotation: the present one alone.
    ///
    /// - Parameter isForced: Whether an agent that has nothing newer is locked out until it gets the present key.
    /// - Throws: A reason where there is nothing to retire, or the agent would be locked out.
    public func retired(cluster: String, isForced: Bool) throws(Reason) -> ClusterKeys {
        guard let previous else {
            throw Reason(
                code: "nothing_to_retire",
                sentence: "The cluster '\(cluster)' has one key, number \(current); rotate it first."
            )
        }
        guard isForced || agent != previous else {
            throw Reason(
                code: "key_in_use",
                sentence:
                    "The agent of '\(cluster)' still signs with key \(previous); give it key \(current) and start it "
                    + "anew, or retire with --force, which locks it out until then."
            )
        }
        return ClusterKeys(current: current, agent: agent)
    }
}

extension ClusterKeys {
    /// The columns of a cluster's row that ``init(_:from:)`` reads, in order.
    static let columns = "key_id, previous_key_id, previous_key_until, agent_key_id"

    /// Reads the numbers from a row, beginning at a column.
    init(_ row: PostgresRow, from column: Int) throws(PostgresError) {
        current = try row.int32(column)
        previous = try row.optionalInt32(column + 1)
        previousUntil = try row.optionalTimestamp(column + 2)
        agent = try row.optionalInt32(column + 3)
    }
}
