import CoreMetrics
public import Logging
public import Postgres
import Synchronization
import WorkerRuntime

/// The duties of a round: one that fails keeps no other one from being done, and rests before it is tried again.
public final class RoundDuties: Sendable {
    private struct Rest {
        var failures = 0
        var end = ContinuousClock.now
    }

    /// A duty, or an item of one.
    private struct Name: Hashable {
        let duty: String
        let item: String
    }

    private static let longestRest = Duration.seconds(10)
    private let logger: Logger
    private let rests = Mutex<[Name: Rest]>([:])

    /// None has failed yet.
    public init(logger: Logger = Logger(label: "timekeeper")) {
        self.logger = logger
    }

    /// Does a duty, or an item of one, unless it failed a moment ago.
    ///
    /// - Returns: What the duty returns; `nil` where it failed or rests.
    /// - Throws: What ends the round: a connection that is gone or takes no writes, or what the process cannot go on
    ///   with.
    public func attempt<R>(
        _ duty: String,
        of item: String = "",
        on connection: PostgresConnection,
        _ body: () throws -> R
    ) throws -> R? {
        let name = Name(duty: duty, item: item)
        guard !isResting(name) else { return nil }
        do {
            let done = try body()
            rests.withLock { $0[name] = nil }
            return done
        } catch {
            let takesWrites = (error as? PostgresError)?.sqlState != .readOnlyTransaction
            guard connection.isUsable, takesWrites, !(error is StartError) else { throw error }
            rest(name, because: error)
            return nil
        }
    }

    private func isResting(_ name: Name) -> Bool {
        rests.withLock { rests in
            // What is over by other means never comes again.
            if rests.count > 10_000 { rests = rests.filter { $0.value.end > .now } }
            return rests[name].map { ContinuousClock.now < $0.end } ?? false
        }
    }

    private func rest(_ name: Name, because error: any Error) {
        Counter(label: "slipway_timekeeper_failures", dimensions: [("duty", name.duty)]).increment()
        var place: Logger.Metadata = ["duty": "\(name.duty)"]
        if !name.item.isEmpty { place["id"] = "\(name.item)" }
        logger.warning("a duty of the round failed and is tried again, the others go on: \(error)", metadata: place)
        rests.withLock { rests in
            var rest = rests[name] ?? Rest()
            rest.failures += 1
            rest.end = ContinuousClock.now + min(Self.longestRest, .milliseconds(250 << min(rest.failures, 6)))
            rests[name] = rest
        }
    }

    /// The items of a duty that rest now: a query that finds only so many items at once leaves them out.
    func resting(_ duty: String) -> [String] {
        rests.withLock { rests in
            rests.filter { $0.key.duty == duty && $0.value.end > .now }.map(\.key.item)
        }
    }
}
