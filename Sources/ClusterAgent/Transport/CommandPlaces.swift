/// How far the command topic is done with: an agent's stored place is the lowest command that is not finished.
struct CommandPlaces: Sendable {
    private struct Partition: Sendable {
        /// The offset behind the newest message that was read.
        var next: Int64
        var unfinished: Set<Int64> = []
        var stored: Int64?
    }

    private var partitions: [Int32: Partition] = [:]

    /// Notes that a message was read and is not finished.
    mutating func begin(_ place: CommandPlace) {
        partitions[place.partition, default: Partition(next: place.offset)].next = place.offset + 1
        partitions[place.partition]?.unfinished.insert(place.offset)
    }

    /// Notes that nothing more is to be done for a message.
    mutating func finish(_ place: CommandPlace) {
        partitions[place.partition]?.unfinished.remove(place.offset)
    }

    /// The places to store that have moved since they were last asked for.
    mutating func takeMoved() -> [CommandPlace] {
        var moved: [CommandPlace] = []
        for (number, partition) in partitions {
            let place = partition.unfinished.min() ?? partition.next
            guard place != partition.stored else { continue }
            partitions[number]?.stored = place
            moved.append(CommandPlace(partition: number, offset: place))
        }
        return moved
    }
}
