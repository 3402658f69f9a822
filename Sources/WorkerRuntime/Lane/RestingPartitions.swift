/// Partitions from which nothing more came, while their leaders are asked where they end; pure.
struct RestingPartitions {
    /// A moment before they were asked, by the database's clock: microseconds since 1970.
    let asked: Int64
    /// How their claims stood then.
    let claims: [Int32: PartitionClaim]

    /// Those that are consumed up to the moment of the question, now that their leaders have said where they end.
    ///
    /// What was written before lies before the end, so it is enough that the lane, under the same claim, stands there by now.
    ///
    /// - Parameters:
    ///   - ends: Where partitions end; of some of them that may not have been said.
    ///   - present: How the lane's claims stand by now.
    ///   - hand: The partitions of messages that are read and not settled.
    func consumed(
        upTo ends: [Int32: Int64],
        standing present: [Int32: PartitionClaim],
        besides hand: Set<Int32>
    ) -> [ConsumedPartition] {
        ends.sorted { $0.key < $1.key }.compactMap { partition, end in
            guard let before = claims[partition], let claim = present[partition], claim.epoch == before.epoch,
                !hand.contains(partition)
            else { return nil }
            // A topic that ends before where the lane stood is another one. Behind the last message may lie marks of
            // transactions, which the end that was reached has counted.
            guard before.nextOffset <= end, max(claim.nextOffset, claim.endReached ?? 0) >= end else { return nil }
            return ConsumedPartition(partition: partition, epoch: claim.epoch, end: end, until: asked)
        }
    }
}
