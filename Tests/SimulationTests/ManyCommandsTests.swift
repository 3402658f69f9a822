import Foundation
import Synchronization
import Testing

/// `make simulate`: as many commands as are asked for, with seeds that follow each other, on all processors, unless the time
/// that is given for it is over before.
struct ManyCommandsTests {
    /// How much is played, from the environment.
    private struct Amount {
        let commands: Int
        let requests: Int
        let seed: UInt64
        let end: ContinuousClock.Instant?

        static let asked: Amount? = {
            guard let commands = setting("COMMANDS") else { return nil }
            return Amount(
                commands: commands,
                requests: setting("REQUESTS") ?? 3000,
                seed: UInt64(setting("SEED") ?? 1),
                end: setting("MINUTES").map { .now + .seconds(60 * $0) }
            )
        }()

        private static func setting(_ name: String) -> Int? {
            ProcessInfo.processInfo.environment["SLIPWAY_SIMULATION_" + name].flatMap { Int($0) }
        }
    }

    /// What was played until now.
    private final class Tally: Sendable {
        private struct Counts {
            var nextSeed: UInt64
            var runs = 0
            var commands = 0
            var messages = 0
            var told = 0
        }

        private let amount: Amount
        private let counts: Mutex<Counts>

        init(_ amount: Amount) {
            self.amount = amount
            counts = Mutex(Counts(nextSeed: amount.seed))
        }

        /// The seed of the next run; none where enough was played.
        func nextSeed() -> UInt64? {
            counts.withLock { counts in
                guard counts.commands < amount.commands, amount.end.map({ $0 > .now }) ?? true else { return nil }
                defer { counts.nextSeed += 1 }
                return counts.nextSeed
            }
        }

        /// Counts a run, and tells of every tenth of the way.
        func count(_ run: PlayedRun) {
            counts.withLock { counts in
                counts.runs += 1
                counts.commands += run.commands
                counts.messages += run.messages
                let tenths = min(10, counts.commands * 10 / max(1, amount.commands))
                guard tenths > counts.told else { return }
                counts.told = tenths
                print("\(counts.commands) commands in \(counts.runs) runs, \(counts.messages) messages")
            }
        }

        var runs: Int { counts.withLock { $0.runs } }

        /// What was played, in a sentence.
        var summary: String {
            counts.withLock { counts in
                "\(counts.commands) of \(amount.commands) commands in \(counts.runs) runs from seed \(amount.seed), "
                    + "\(counts.messages) messages"
            }
        }
    }

    @Test(.enabled(if: Amount.asked != nil, "make simulate plays it"))
    func `nothing is lost, done twice or stuck in as many commands as are asked for`() async throws {
        let amount = try #require(Amount.asked)
        let tally = Tally(amount)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount {
                group.addTask {
                    while let seed = tally.nextSeed() {
                        let run = PlayedRun(seed: seed, requests: amount.requests)
                        for complaint in run.complaints.prefix(5) { Issue.record("\(complaint)") }
                        tally.count(run)
                    }
                }
            }
        }
        #expect(tally.runs > 0)
        print("played \(tally.summary)")
    }
}
