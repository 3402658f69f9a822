import CRdkafka
import Logging

/// Commits of a consumer's stored offsets that nobody waits for: one is under way at a time.
///
/// Before all commits have ended librdkafka 2.0.2 begins to read no new partition and ends no rebalance. Where they are
/// slower than they follow each other, one would always be left.
final class RDKafkaCommits {
    private let handle: RDKafkaHandle
    private let answers: OpaquePointer
    private var isUnderWay = false

    init(_ handle: RDKafkaHandle) {
        self.handle = handle
        answers = rd_kafka_queue_new(handle.pointer)
    }

    deinit { rd_kafka_queue_destroy(answers) }

    /// Begins one, unless one is under way; returns whether it has begun.
    func begin() throws(KafkaError) -> Bool {
        takeAnswer()
        guard !isUnderWay else { return false }
        try KafkaError.check(rd_kafka_commit_queue(handle.pointer, nil, answers, nil, nil), "commit offsets")
        isUnderWay = true
        return true
    }

    private func takeAnswer() {
        guard isUnderWay, let answer = rd_kafka_queue_poll(answers, 0) else { return }
        let event = RDKafkaEvent(consuming: answer)
        isUnderWay = false
        let code = rd_kafka_event_error(event.pointer)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__NO_OFFSET else { return }
        let error = KafkaError(KafkaError.Code(code), operation: "commit offsets")
        handle.callbacks.logger?.warning("\(error)")
    }
}
