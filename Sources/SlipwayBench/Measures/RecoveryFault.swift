import Foundation
import Postgres

/// What befalls the fleet while its recovery is measured.
enum RecoveryFault: String, CaseIterable {
    case databaseRestarted = "PostgreSQL down for 5 s as after a crash"
    case backendsTerminated = "its backends terminated twice a second for 10 s"
    case connectionsUsedUp = "its connections used up for 10 s"
    case workerKilled = "a worker killed, another started 20 s later"
    case workerKilledRepeatedly = "a worker killed three times, every 20 s"

    /// Whether others must take partitions over.
    var losesWorkers: Bool { self == .workerKilled || self == .workerKilledRepeatedly }

    /// Plays it; returns when it ended, which is with the last kill where workers are killed.
    func play(
        on world: BenchWorld,
        workers: inout [Int32],
        start: () throws -> Int32
    ) throws -> ContinuousClock.Instant {
        switch self {
        case .databaseRestarted:
            world.server.stop(.immediate)
            Thread.sleep(forTimeInterval: 5)
            try world.server.start()
        case .backendsTerminated:
            for _ in 1...20 {
                try world.server.terminateSessions(of: BenchWorld.databaseName)
                Thread.sleep(forTimeInterval: 0.5)
            }
        case .connectionsUsedUp: try world.server.useUpConnections(of: BenchWorld.databaseName, for: .seconds(10))
        case .workerKilled:
            kill(workers[0], SIGKILL)
            let killed = ContinuousClock.now
            Thread.sleep(forTimeInterval: 20)
            workers[0] = try start()
            return killed
        case .workerKilledRepeatedly:
            for _ in 1...2 {
                kill(workers[0], SIGKILL)
                workers[0] = try start()
                Thread.sleep(forTimeInterval: 20)
            }
            kill(workers[0], SIGKILL)
            let killed = ContinuousClock.now
            workers[0] = try start()
            return killed
        }
        return .now
    }
}
