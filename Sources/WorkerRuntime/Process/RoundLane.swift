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

    func run(_ round: (PostgresConnection) throws -> Bool) throws {
        let connection = try PostgresConnection(database, logger: logger)
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
                pause(backoff.next())
            }
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
