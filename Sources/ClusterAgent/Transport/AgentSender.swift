import Kafka
import Logging

/// Signs and sends an agent's messages in order, within bounds, and knows when everything up to a point has arrived.
final class AgentSender {
    private let configuration: AgentConfiguration
    private let health: AgentHealth
    private let signer: MessageSigner
    private var producer: KafkaProducer
    private var link: UnreliableLink

    private var pending: ArraySlice<(tag: UInt64, record: KafkaRecord)> = []
    private var pendingBytes = 0
    private var lastTag: UInt64 = 0
    /// Every message up to this one has arrived or is lost.
    private var settled: UInt64 = 0
    private var settledAhead: Set<UInt64> = []
    /// The messages whose loss nothing makes good: a hello would not bring them again.
    private var expendable: Set<UInt64> = []
    private var waiting: ArraySlice<(tag: UInt64, place: CommandPlace)> = []
    /// The account that was told with everything up to a message.
    private var account: (tag: UInt64, mark: AccountMark)?
    /// What is on its way of what an account is made of, with the times when it was taken; the oldest first.
    ///
    /// What is only for people to read is no part of it: a topic of theirs that takes nothing keeps no command from its end.
    private var owed: ArraySlice<(tag: UInt64, since: Int64)> = []
    /// How long a message is on its way at most, unless the way is cut.
    private static let promptness: Int64 = 2_000_000
    private var hasLost = false
    private var lostCount = 0

    /// How many messages, and how many bytes of them, may wait before nothing new is made.
    private static let mostPending = 10_000
    private static let mostPendingBytes = 32 << 20

    init(_ configuration: AgentConfiguration, health: AgentHealth) throws(KafkaError) {
        self.configuration = configuration
        self.health = health
        signer = MessageSigner(
            cluster: configuration.cluster,
            key: configuration.key,
            keyID: configuration.keyID,
            topicPrefix: configuration.topicPrefix
        )
        producer = try KafkaProducer(configuration.kafka)
        link = UnreliableLink(
            duplicatePercent: configuration.duplicatePercent,
            reorderPercent: configuration.reorderPercent,
            seed: configuration.seed
        )
    }

    /// Whether there is room for more messages.
    var hasRoom: Bool { pending.count < Self.mostPending && pendingBytes < Self.mostPendingBytes }

    /// Takes a message; it leaves with the next ``work(now:)``.
    func send(_ message: AgentMessage, now: Int64) {
        let before = lastTag
        enqueue(link.pass(signer.record(of: message), now: now))
        if message.isRepeatable { owe(from: before, now: now) } else { expendable.insert(lastTag) }
    }

    /// Notes a command that is done with once everything taken so far has arrived.
    func finish(_ place: CommandPlace) {
        waiting.append((lastTag, place))
    }

    /// Notes an account that is complete once everything has arrived that it is made of.
    func finish(_ mark: AccountMark) {
        account = (lastTag, mark)
    }

    /// The account of which everything has arrived, or is lost; once.
    func takeAccount() -> AccountMark? {
        guard let account, (owed.first?.tag ?? .max) > account.tag else { return nil }
        self.account = nil
        return account.mark
    }

    /// Sends what waits and takes in what has arrived; returns the commands that are done with.
    func work(now: Int64) throws(KafkaError) -> [CommandPlace] {
        let before = lastTag
        enqueue(link.flush(now: now))
        owe(from: before, now: now)
        try sendPending()
        settle(producer.poll(timeout: .zero))
        if let error = producer.fatalError { try startOver(because: error) }
        while let oldest = owed.first, oldest.tag <= settled || settledAhead.contains(oldest.tag) { owed.removeFirst() }
        return takeDone()
    }

    /// Whether something that the fleet judges by has been on its way for so long that the way may be cut.
    func isHeldUp(at now: Int64) -> Bool {
        owed.first.map { now - $0.since > Self.promptness } ?? false
    }

    /// Whether something was lost since this was last asked.
    func takeLoss() -> Bool {
        defer { hasLost = false }
        return hasLost
    }

    /// How many messages never arrived since this was last asked.
    func takeLostCount() -> Int {
        defer { lostCount = 0 }
        return lostCount
    }

    /// Drops everything that has not left, as a crash would.
    func forget() throws(KafkaError) {
        producer.close()
        producer = try KafkaProducer(configuration.kafka)
        pending = []
        pendingBytes = 0
        waiting = []
        account = nil
        owed = []
        settled = lastTag
        settledAhead = []
        expendable = []
    }

    /// Sends everything and waits for its arrival, at most the limit.
    func close(limit: Duration) throws(KafkaError) -> [CommandPlace] {
        let end = ContinuousClock.now + limit
        enqueue(link.flush(now: .max))
        repeat {
            // The producer's queue may be full: what waits gets in when something has arrived.
            try sendPending()
            do throws(KafkaError) {
                settle(try producer.flush(timeout: max(.zero, end - ContinuousClock.now)))
            } catch {
                settle(producer.poll(timeout: .zero))
                configuration.logger.warning("not everything was sent before the end: \(error)")
                break
            }
        } while !pending.isEmpty && ContinuousClock.now < end
        let left = Int(lastTag - settled) - settledAhead.count
        if left > 0 { configuration.logger.warning("\(left) messages had not arrived at the end") }
        producer.close()
        return takeDone()
    }

    private func owe(from before: UInt64, now: Int64) {
        guard lastTag > before else { return }
        owed += (before + 1...lastTag).map { ($0, now) }
    }

    private func enqueue(_ records: [KafkaRecord]) {
        for record in records {
            lastTag += 1
            pending.append((lastTag, record))
            pendingBytes += record.value?.count ?? 0
        }
    }

    private func sendPending() throws(KafkaError) {
        while let next = pending.first {
            do throws(KafkaError) {
                try producer.send(next.record, tag: next.tag)
            } catch  where error.isQueueFull {
                return
            } catch  where error.isFatal {
                return try startOver(because: error)
            } catch {
                configuration.logger.error("a message to \(next.record.topic) was not accepted: \(error)")
                lose(next.tag, isForGood: error.code == .messageTooLarge)
            }
            pending.removeFirst()
            pendingBytes -= next.record.value?.count ?? 0
        }
    }

    private func settle(_ deliveries: [KafkaDelivery]) {
        for delivery in deliveries {
            if let error = delivery.error {
                configuration.logger.error("a message did not arrive: \(error)")
                lose(delivery.tag, isForGood: error.code == .messageTooLarge)
            } else {
                health.brokerAnswered()
                settle(delivery.tag)
            }
        }
    }

    /// Notes that a message never arrives.
    ///
    /// - Parameter isForGood: Whether the same message would be refused again, so that a hello brings nothing but itself.
    private func lose(_ tag: UInt64, isForGood: Bool) {
        if !isForGood, !expendable.contains(tag) { hasLost = true }
        lostCount += 1
        settle(tag)
    }

    private func settle(_ tag: UInt64) {
        guard tag > settled else { return }
        expendable.remove(tag)
        settledAhead.insert(tag)
        while settledAhead.remove(settled + 1) != nil { settled += 1 }
    }

    /// A fatal error ends a producer; what it had not delivered counts as lost, and a hello brings it again.
    private func startOver(because error: KafkaError) throws(KafkaError) {
        configuration.logger.error("the producer is built anew: \(error)")
        producer.close()
        producer = try KafkaProducer(configuration.kafka)
        let left = (pending.first?.tag).map { $0 - 1 } ?? lastTag
        lostCount += Int(left - settled) - settledAhead.count
        settled = left
        settledAhead = []
        expendable = expendable.filter { $0 > left }
        hasLost = true
    }

    private func takeDone() -> [CommandPlace] {
        let done = waiting.prefix { $0.tag <= settled }
        waiting = waiting.dropFirst(done.count)
        return done.map(\.place)
    }
}
