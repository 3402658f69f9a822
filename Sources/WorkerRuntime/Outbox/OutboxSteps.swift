/// What a lane and a relay do with the outbox's rows besides SQL, for a program that counts what it costs.
package enum OutboxSteps {
    /// Records as a lane puts them into rows of one shard.
    package static func rows(of records: [OutboxRecord]) -> [[UInt8]] {
        OutboxTable(shards: 1).rows(of: records).map(\.content.bytes)
    }

    /// Reads a row as a relay does, and looks at each part of its messages.
    ///
    /// - Returns: How many bytes they have; 0 where the row cannot be read.
    package static func read(_ row: [UInt8]) -> Int {
        guard let messages = OutboxContent.messages(row) else { return 0 }
        return messages.reduce(0) { sum, message in
            sum + message.withParts { $0.topic.count + $0.key.count + $0.headers.count + ($0.value?.count ?? 0) }
        }
    }
}
