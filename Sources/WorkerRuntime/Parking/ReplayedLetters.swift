public import Postgres

/// Which dead letters of a topic an operator has sent in again.
///
/// One that fails again becomes another dead letter, whose message lay elsewhere. So a letter is told by where its message
/// first lay, and by when it came: a topic that was made anew counts its offsets from 0 again.
public enum ReplayedLetters {
    /// Where a message lay when it was given up, and when it had come.
    public struct Place: Sendable, Hashable {
        /// The partition; −1 of a letter that does not say where its message lay.
        public let partition: Int32
        /// The offset.
        public let offset: Int64
        /// The message's time, milliseconds since 1970.
        public let timestamp: Int64

        /// Makes a place.
        public init(partition: Int32, offset: Int64, timestamp: Int64) {
            (self.partition, self.offset, self.timestamp) = (partition, offset, timestamp)
        }
    }

    /// The letters that were sent in again.
    ///
    /// - Parameter topic: The logical topic of the messages.
    public static func known(of topic: String, on connection: PostgresConnection) throws -> Set<Place> {
        let rows = try connection.query(
            "select partition, message_offset, timestamp_ms from replayed_dead_letter where topic = $1",
            [.text(topic)]
        )
        return Set(
            try rows.map {
                Place(partition: try $0.int32(0), offset: try $0.int64(1), timestamp: try $0.int64(2))
            }
        )
    }

    /// Remembers letters that the broker has taken again.
    public static func remember(_ places: [Place], of topic: String, on connection: PostgresConnection) throws {
        guard !places.isEmpty else { return }
        try connection.query(
            """
            insert into replayed_dead_letter (topic, partition, message_offset, timestamp_ms)
            select $1, * from unnest($2::int[], $3::bigint[], $4::bigint[])
            on conflict (topic, partition, message_offset, timestamp_ms) do update set replayed_at = clock_timestamp()
            """,
            [
                .text(topic), .array(.int32s(places.map(\.partition))), .array(.int64s(places.map(\.offset))),
                .array(.int64s(places.map(\.timestamp))),
            ]
        )
    }
}
