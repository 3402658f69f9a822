import Foundation
import Logging
import Postgres

/// A lane that follows the clock: rounds on one connection, with patience while the database is away.
struct RoundLane {
    let database: PostgresConfiguration
    let logger: Logger
    let stop: StopSignal
    let pulse: LanePulse
    let interval: Duration

    /// - Parameters:
    ///   - round: One round; returns whether there was anything to do.
    ///   - atEnd: The last thing that is done, if the database is there.
    func run(
        _ round: (PostgresConnection) throws -> Bool,
        atEnd: (PostgresConnection) throws -> Void = { _ in }
    ) throws {
        let connection = try Installation.connect(database, logger: logger)
        var backoff = PostgresBackoff()
        while !stop.isRequested {
            pulse.beat()
            do {
                if !connection.isUsable { try Installation.reconnect(connection) }
                let found = try round(connection)
                backoff.reset()
                if !found { pause(interval) }
            } catch let error as StartError {
                throw error
            } catch {
                logger.warning("the round failed and is tried again: \(error)")
                Installation.leaveReadOnly(connection, after: error)
                pause(backoff.next())
            }
        }
        do {
            try atEnd(connection)
        } catch {
            logger.debug("the last round failed: \(error)")
        }
        connection.close()
    }

    private func pause(_ duration: Duration) {
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end, !stop.isRequested {
            Thread.sleep(forTimeInterval: min(0.1, Double((end - ContinuousClock.now).milliseconds + 1) / 1000))
        }
    }
}
