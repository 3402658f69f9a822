import Kafka

/// Sends some records twice and some behind their successor, as often as it was told to; with 0 % it changes nothing.
struct UnreliableLink: Sendable {
    private let duplicatePercent: Double
    private let reorderPercent: Double
    private var random: SeededRandom
    private var kept: (record: KafkaRecord, since: Int64)?

    /// How long a record waits for its successor before it goes by itself: microseconds.
    private static let patience: Int64 = 500_000

    init(duplicatePercent: Double, reorderPercent: Double, seed: UInt64) {
        self.duplicatePercent = duplicatePercent
        self.reorderPercent = reorderPercent
        random = SeededRandom(seed: seed)
    }

    /// What to send now that this record is to be sent.
    mutating func pass(_ record: KafkaRecord, now: Int64) -> [KafkaRecord] {
        var records = [record]
        if random.happens(percent: duplicatePercent) { records.append(record) }
        if let earlier = kept {
            kept = nil
            return records + [earlier.record]
        }
        guard random.happens(percent: reorderPercent) else { return records }
        kept = (record, now)
        return Array(records.dropFirst())
    }

    /// What has waited for a successor for too long.
    mutating func flush(now: Int64) -> [KafkaRecord] {
        guard let waiting = kept, now - waiting.since >= Self.patience else { return [] }
        kept = nil
        return [waiting.record]
    }
}
