import Foundation
import Kafka

/// Does to the embedded broker what lines of text ask for: for tests of what befalls a fleet.
///
/// | line | effect |
/// |---|---|
/// | `errors <request> <code> <count>` | the next requests of that kind are answered with that error |
/// | `clear <request>` | forgets them |
/// | `delay <broker> <milliseconds>` | each answer takes that long |
/// | `down <broker>`, `up <broker>` | breaks its connections and refuses new ones; takes them again |
/// | `leader <topic> <partition> <broker>` | moves a partition |
/// | `coordinator <group> <broker>` | moves a group's coordinator |
struct BrokerControl: Sendable {
    let broker: KafkaMockCluster

    /// Takes lines from standard input until it ends, on a thread of its own.
    func start() {
        Thread.detachNewThread {
            while let line = readLine() {
                do {
                    try take(line)
                } catch {
                    print("'\(line)' was not done: \(error)")
                }
            }
        }
    }

    private func take(_ line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("errors", 4):
            guard let key = Self.requests[words[1]], let code = Self.codes[words[2]], let count = Int(words[3]) else {
                break
            }
            return try broker.pushRequestErrors(key, Array(repeating: code, count: count))
        case ("clear", 2):
            guard let key = Self.requests[words[1]] else { break }
            return try broker.clearRequestErrors(key)
        case ("delay", 3):
            guard let number = Int32(words[1]), let milliseconds = Int(words[2]) else { break }
            return try broker.setRoundTrip(number, .milliseconds(milliseconds))
        case ("down", 2):
            guard let number = Int32(words[1]) else { break }
            return try broker.setBrokerDown(number)
        case ("up", 2):
            guard let number = Int32(words[1]) else { break }
            return try broker.setBrokerUp(number)
        case ("leader", 4):
            guard let partition = Int32(words[2]), let number = Int32(words[3]) else { break }
            return try broker.setPartitionLeader(
                KafkaTopicPartition(topic: words[1], partition: partition),
                broker: number
            )
        case ("coordinator", 3):
            guard let number = Int32(words[2]) else { break }
            return try broker.setCoordinator(group: words[1], broker: number)
        default: break
        }
        throw UnknownLine()
    }

    private struct UnknownLine: Error, CustomStringConvertible {
        var description: String { "it should be one of the lines of 'slipway broker --help'" }
    }

    private static let requests: [String: KafkaAPIKey] = [
        "produce": .produce, "fetch": .fetch, "listOffsets": .listOffsets, "metadata": .metadata,
        "offsetCommit": .offsetCommit, "offsetFetch": .offsetFetch, "findCoordinator": .findCoordinator,
        "joinGroup": .joinGroup, "heartbeat": .heartbeat, "leaveGroup": .leaveGroup, "syncGroup": .syncGroup,
        "initProducerID": .initProducerID, "addPartitionsToTransaction": .addPartitionsToTransaction,
        "endTransaction": .endTransaction,
    ]

    private static let codes: [String: KafkaError.Code] = Dictionary(
        uniqueKeysWithValues: [
            KafkaError.Code.transport, .requestTimedOut, .notLeaderForPartition, .leaderNotAvailable,
            .coordinatorLoading,
            .coordinatorNotAvailable, .notCoordinator, .rebalanceInProgress, .unknownMember, .illegalGeneration,
            .notEnoughReplicas, .messageTooLarge,
        ].map { ($0.name, $0) }
    )
}
