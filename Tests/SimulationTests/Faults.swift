/// What befalls the fleet: processes are killed or held, the database is away, agents change.
struct Faults {
    private let dice: Dice
    private(set) var next: Int64

    init(dice: Dice, from now: Int64) {
        self.dice = dice
        next = now + dice.time(in: 1_000_000...8_000_000)
    }

    mutating func play(in world: World) {
        next = world.now + dice.time(in: 1_000_000...8_000_000)
        guard !dice.isKind else { return next = .max }
        switch dice.number(in: 0...9) {
        case 0...3:
            if let victim = world.randomParticipant() { world.kill(victim, whenBusy: dice.happens(percent: 70)) }
        case 4...5:
            if let victim = world.randomParticipant() { world.hold(victim, for: dice.time(in: 100_000...40_000_000)) }
        case 7: dice.one(of: world.clusters)?.loseObject()
        case 6:
            let isLong = dice.happens(percent: 15)
            world.database.awayUntil =
                world.now + dice.time(in: isLong ? 60_000_000...120_000_000 : 100_000...8_000_000)
        case 8: world.hangFetches(for: dice.time(in: 1_000_000...60_000_000))
        default: if let cluster = dice.one(of: world.clusters) { world.startAgent(of: cluster) }
        }
    }

    /// Ends all trouble a while after the last request.
    mutating func end(in world: World, _ lastRequest: Int64) {
        guard world.now > lastRequest + 20_000_000 else { return }
        dice.isKind = true
        next = .max
    }
}
