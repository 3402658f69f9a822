import ClusterAgent

/// What may happen by chance.
enum Chance: CaseIterable {
    /// The group is between two generations and proves nobody's membership.
    case claimRefused
    case serialization
    case connectionLost
    case answerLost
    /// An agent's message comes twice.
    case duplicate
    /// An agent's message never arrives.
    case messageLost

    var percent: Double {
        switch self {
        case .claimRefused: 5
        case .serialization: 2
        case .connectionLost, .answerLost: 0.7
        case .duplicate: 3
        case .messageLost: 0.5
        }
    }
}

/// Chance, from a seed.
final class Dice {
    private var random: SeededRandom
    /// Whether nothing goes wrong any more.
    var isKind = false

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    func happens(_ chance: Chance) -> Bool { !isKind && random.happens(percent: chance.percent) }

    func happens(percent: Double) -> Bool { random.happens(percent: percent) }

    func number(in range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    func time(in range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }

    func one<Element>(of elements: [Element]) -> Element? { elements.randomElement(using: &random) }

    func uuid() -> String { random.uuid() }

    /// What passes between two steps of one worker.
    var pause: Int64 { Int64.random(in: 100...3000, using: &random) }
}
