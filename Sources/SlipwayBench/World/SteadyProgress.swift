import Postgres

/// How far a fleet was at each look, while messages came at a steady rate.
struct SteadyProgress {
    /// One look.
    struct Point {
        let at: ContinuousClock.Instant
        let sent: Int
        /// Of each partition that was ever claimed, by its number.
        let consumed: [Int64]
        let total: Int
        /// How many messages waited.
        var lag: Int { sent - total }

        init(_ database: PostgresConnection, sent: Int) throws(PostgresError) {
            let rows = try database.query("select consumed from partition_claim order by topic, partition")
            var consumed: [Int64] = []
            for row in rows { consumed.append(try row.int64(0)) }
            self.consumed = consumed
            (total, at, self.sent) = (Int(consumed.reduce(0, +)), .now, sent)
        }
    }

    var points: [Point] = []

    /// The looks between two times; they stand in their order.
    private func looks(from begin: ContinuousClock.Instant, to end: ContinuousClock.Instant) -> ArraySlice<Point> {
        let first = place(of: begin)
        return points[first..<max(first, place(of: end))]
    }

    /// The place of the first look at a time or after it.
    private func place(of time: ContinuousClock.Instant) -> Int {
        var (low, high) = (0, points.count)
        while low < high {
            let middle = (low + high) / 2
            if points[middle].at < time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Messages a second between two times, as far as it was looked.
    func rate(from begin: ContinuousClock.Instant, to end: ContinuousClock.Instant) -> Double {
        let range = looks(from: begin, to: end)
        guard let first = range.first, let last = range.last, last.at > first.at else { return 0 }
        return Double(last.total - first.total) / (last.at - first.at).seconds
    }

    /// Whether less than a second's messages wait.
    func hasCaughtUp(within rate: Int) -> Bool {
        points.last.map { $0.total > 0 && $0.lag < rate } ?? false
    }

    /// The most messages that waited in the seconds before a time.
    func mostLag(before time: ContinuousClock.Instant, seconds: Double) -> Int {
        looks(from: time - .seconds(seconds), to: time).map(\.lag).max() ?? 0
    }

    /// The first look from a time on for which a condition holds.
    func first(after time: ContinuousClock.Instant, where holds: (Point) -> Bool) -> ContinuousClock.Instant? {
        points[place(of: time)...].first(where: holds)?.at
    }

    /// The look after the last one with more messages waiting than usual, from a time on; `nil` where that is the last look.
    func caughtUp(to usual: Int, after time: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        let looks = points[place(of: time)...]
        guard let last = looks.lastIndex(where: { $0.lag > usual }) else { return looks.first?.at }
        return points[(last + 1)...].first?.at
    }

    /// The first look from a time on at which every partition has got further since.
    func everyPartitionMoved(since time: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard let begin = points[place(of: time)...].first else { return nil }
        return first(after: time) { look in
            look.consumed.count == begin.consumed.count && zip(begin.consumed, look.consumed).allSatisfy(<)
        }
    }
}
