/// When librdkafka should look again whether there is room in its queue.
///
/// It stops to fetch where the queue reaches a bound, and looks again when it hears from the broker, or after a second
/// (2.0.2; newer ones have `fetch.queue.backoff.ms`). A consumer that empties the queue sooner would wait for the rest of that
/// second, so it has librdkafka look when the queue is half empty.
struct FetchPacing {
    /// How many messages, or an eighth of the bytes, are taken between two looks at the queue; few enough that a full one is
    /// seen.
    private let pause: Int
    private let messages: Int
    private let bytes: Int
    private var taken = 0
    /// Of the messages taken since the last look.
    private var takenBytes = 0
    private var wasFull = false

    /// Follows a queue with these bounds.
    init(messages: Int, bytes: Int) {
        (self.messages, self.bytes) = (max(1, messages), max(1, bytes))
        pause = max(1, min(64, messages / 8))
    }

    /// Notes a message that was taken out; returns whether it is time to look at the queue.
    mutating func took(bytes: Int) -> Bool {
        taken += 1
        takenBytes += bytes
        return taken >= pause || takenBytes >= self.bytes / 8
    }

    /// Notes how much is in the queue; returns whether librdkafka should look again.
    ///
    /// Not where the queue was never nearly full since it last should: then librdkafka has not stopped, or there is nothing
    /// more to fetch.
    mutating func wantsLook(queued: Int) -> Bool {
        let size = taken > 0 ? takenBytes / taken : 0
        (taken, takenBytes) = (0, 0)
        let share = max(Double(queued) / Double(messages), Double(queued * size) / Double(bytes))
        if share > 0.75 { wasFull = true }
        guard wasFull, share < 0.5 else { return false }
        wasFull = false
        return true
    }

    /// Notes that librdkafka could not be made to look: the next look at the queue will want it again.
    mutating func wasNotTold() {
        wasFull = true
    }
}
