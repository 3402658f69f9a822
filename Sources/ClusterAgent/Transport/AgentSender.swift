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
    /// When the oldest message that is on its way was last another one: microseconds of the agent's clock.
    private var progressAt: (tag: UInt64, time: Int64) = (0, 0)
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
        enqueue(link.pass(signer.record(of: message), now: now))
        if !message.isRepeatable { expendable.insert(lastTag) }
    }

    /// Notes a command that is done with once everything taken so far has arrived.
    func finish(_ place: CommandPlace) {
        waiting.append((lastTag, place))
    }

    /// Notes an account that is complete once everything taken so far has arrived.
    func finish(_ mark: AccountMark) {
        account = (lastTag, mark)
    }

    /// The account of which everything has arrived, or is lost; once.
    func takeAccount() -> AccountMark? {
        guard let account, account.tag <= settled else { return nil }
        self.account = nil
        return account.mark
    }

    /// Sends what waits and takes in what has arrived; returns the commands that are done with.
    func work(now: Int64) throws(KafkaError) -> [CommandPlace] {
        enqueue(link.flush(now: now))
        try sendPending()
        settle(producer.poll(timeout: .zero))
        if let error = producer.fatalError { try startOver(because: error) }
        if settled == lastTag || settled != progressAt.tag { progressAt = (settled, now) }
        return takeDone()
    }

    /// Whether a message has been on its way for so long that the way, or a part of it, may be cut off.
    func isHeldUp(at now: Int64) -> Bool {
        settled < lastTag && now - progressAt.time > Self.promptness
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
        settled = lastTag
        settledAhead = []
        expendable = []
    }

    /// Sends everything and waits for its arrival, at most the limit.
    func close(limit: Duration) throws(KafkaError) -> [CommandPlace] {
        enqueue(link.flush(now: .max))
        try sendPending()
        do throws(KafkaError) {
            settle(try producer.flush(timeout: limit))
        } catch {
            configuration.logger.warning("not everything was sent before the end: \(error)")
        }
        producer.close()
        return takeDone()
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
