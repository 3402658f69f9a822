public import Postgres

/// Adds partitions to a topic without mixing up the order of its keys.
///
/// A key's messages move to another partition when partitions are added; where there are so many times as many, to a new one
/// or to none. So lanes hold a new partition back until every old one was read up to where it ended when all producers
/// knew the new ones: one metadata age after the growth.
/// The steps are ``begin()``, the growth itself, a wait, and ``note(ends:on:)``.
public struct TopicGrowth: Sendable, Hashable {
    /// How long producers may go on with what they knew of a topic: librdkafka's `topic.metadata.refresh.interval.ms`,
    /// and the Java client's `metadata.max.age.ms`.
    public static let metadataAge: Duration = .seconds(300)

    /// The topic's logical name.
    public let topic: String
    /// How many partitions it had.
    public let before: Int32
    /// How many it gets.
    public let after: Int32

    /// Makes a growth.
    ///
    /// - Throws: ``StartError`` where it is none.
    public init(of topic: String, from before: Int, to after: Int) throws(StartError) {
        guard before > 0, after > before, after <= 100_000 else {
            throw StartError(
                "The topic '\(topic)' has \(before) partitions; it can only be given more of them, and at most 100000."
            )
        }
        guard after % before == 0 else {
            throw StartError(
                "The topic '\(topic)' has \(before) partitions; the new number should be a multiple of it, such as \(2 * before): "
                    + "with \(after) keys would move from one of the present partitions to another, and lose their order."
            )
        }
        self.topic = topic
        self.before = Int32(before)
        self.after = Int32(after)
    }

    private init(_ row: PostgresRow, topic: String) throws {
        self.topic = topic
        before = try row.int32(0)
        after = try row.int32(1)
    }

    /// A growth that was begun and whose ends were not noted, as after a command that was broken off.
    public static func unfinished(of topic: String, on connection: PostgresConnection) throws -> TopicGrowth? {
        try connection.query(
            """
            select partitions_before, partitions_after from topic_growth
            where topic = $1 and ends is null order by partitions_before limit 1
            """,
            [.text(topic)]
        ).first.map { try TopicGrowth($0, topic: topic) }
    }

    /// Holds the new partitions back, before there are any; replaces a growth from as many of which nothing came.
    public func begin(on connection: PostgresConnection) throws(PostgresError) {
        _ = try connection.query(
            """
            insert into topic_growth as g (topic, partitions_before, partitions_after) values ($1, $2, $3)
            on conflict (topic, partitions_before) do update
                set partitions_after = excluded.partitions_after, begun_at = excluded.begun_at, ends = null
            """,
            [.text(topic), .int32(before), .int32(after)]
        )
    }

    /// Takes it back: the broker made no partitions.
    public func cancel(on connection: PostgresConnection) throws(PostgresError) {
        _ = try connection.query(
            "delete from topic_growth where topic = $1 and partitions_before = $2 and ends is null",
            [.text(topic), .int32(before)]
        )
    }

    /// Notes where the old partitions end, in their order, when every producer knows the new ones.
    ///
    /// - Throws: ``StartError`` where it is not one end for each old partition.
    public func note(ends: [Int64], on connection: PostgresConnection) throws {
        guard ends.count == Int(before) else {
            throw StartError("The topic '\(topic)' had \(before) partitions, but \(ends.count) ends were found.")
        }
        _ = try connection.query(
            "update topic_growth set ends = $3 where topic = $1 and partitions_before = $2",
            [.text(topic), .int32(before), .array(.int64s(ends))]
        )
    }
}
