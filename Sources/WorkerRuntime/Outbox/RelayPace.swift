/// How soon one round of a relay follows another; pure.
///
/// At once where few messages wait, so that none waits long; after a rest where there are many, so that the next
/// transaction takes more of them. A Kafka transaction costs librdkafka 2.0.2 two milliseconds of CPU whatever is in it. See docs/benchmarks.
struct RelayPace {
    /// From how many messages on a round is followed by a rest.
    static let many = 300
    /// The shortest time from the beginning of a round of many messages to that of the next one.
    static let interval = Duration.milliseconds(25)

    /// How long to rest after a round.
    static func rest(after messages: Int, took: Duration) -> Duration {
        messages < many ? .zero : max(.zero, interval - took)
    }
}
