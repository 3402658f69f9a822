/// What a lane holds of a partition: the right to commit under an epoch, and where it goes on.
struct PartitionClaim {
    /// The epoch that the lane's batches carry.
    var epoch: Int64
    /// The offset that the database will next take: what was last claimed or committed.
    var nextOffset: Int64
    /// The last handled message, read again first, to see that the topic is still the same one.
    var lastHandled: (offset: Int64, timestamp: Int64)?
    /// Messages are decoded and handled one at a time, each marked as a suspect before: one of them may kill its worker.
    var isCautious = false
    /// The message that killed its worker before and is dead-lettered undecoded.
    var condemnedOffset: Int64?
    /// The end of the partition, where it was reached after the last message; it may have moved on since.
    var endReached: Int64?

    /// Where reading starts: at the last handled message if it has to be compared, else at the next one.
    var startOffset: Int64 { lastHandled?.offset ?? nextOffset }
}
