import Synchronization

/// A question where partitions end, which their leaders answer in their own time.
///
/// A leader answers it behind a fetch that waits there for messages, so it may take as long as that, and none comes while a
/// fetch hangs. Any thread may look whether there is an answer.
public final class KafkaEndsQuestion: Sendable {
    private let result = Mutex<Result<[KafkaTopicPartition: Int64], KafkaError>?>(nil)
    private let deadline: ContinuousClock.Instant

    /// Makes one to which no answer comes any more after the deadline.
    init(deadline: ContinuousClock.Instant) {
        self.deadline = deadline
    }

    /// Where those partitions end whose leaders said so, or why none did; `nil` while an answer may still come.
    public var answer: Result<[KafkaTopicPartition: Int64], KafkaError>? {
        if let answer = result.withLock({ $0 }) { return answer }
        guard ContinuousClock.now >= deadline else { return nil }
        return .failure(KafkaError(.timedOut, operation: "read the watermarks"))
    }

    /// Notes the answer.
    func take(_ answer: Result<[KafkaTopicPartition: Int64], KafkaError>) {
        result.withLock { $0 = answer }
    }
}
