public import Postgres

/// Where a group goes on reading, changed by an operator: what Kafka's own reset tools cannot do, because the position is
/// the database's.
///
/// A lane that holds the partition loses its fence with the change, claims again and reads on from the new position, so
/// workers need not be stopped. What is read again is dropped by the inbox and the versions.
public enum PositionChange {
    /// Moves the position of one partition.
    ///
    /// - Parameters:
    ///   - offset: The offset of the next message to handle.
    /// - Returns: The position before; `nil` where the group never claimed the partition.
    public static func set(
        group: String,
        topic: String,
        partition: Int32,
        to offset: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Int64? {
        let rows = try transaction.query(
            """
            update partition_claim c
            set next_offset = $4, epoch = c.epoch + 1, last_offset = null, last_timestamp = null, suspect_offset = null,
                end_reached = null, claims_without_progress = 0
            from (
                select next_offset from partition_claim
                where consumer_group = $1 and topic = $2 and partition = $3 for no key update
            ) before
            where c.consumer_group = $1 and c.topic = $2 and c.partition = $3
            returning before.next_offset
            """,
            [.text(group), .text(topic), .int32(partition), .int64(offset)]
        )
        return try rows.first?.int64(0)
    }
}
