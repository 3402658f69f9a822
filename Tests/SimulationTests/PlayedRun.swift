import FleetCheck

/// A run that was played to its end and judged.
struct PlayedRun: Sendable {
    let seed: UInt64
    let commands: Int
    let messages: Int
    /// What is wrong, in sentences; empty where all is as promised.
    let complaints: [String]

    init(seed: UInt64, requests: Int) {
        let world = World(seed: seed, scale: Scale(requests: requests))
        world.run()
        self.seed = seed
        commands = world.database.commands.rows.count
        messages = world.broker.topics.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
        let violations = Verdict(History(world)).violations.map { "\($0)" }
        let unasked = world.load.isOver ? [] : ["a day passed, and not all requests were sent"]
        complaints = (violations + world.complaints + unasked).map { "seed \(seed): \($0)" }
    }
}
