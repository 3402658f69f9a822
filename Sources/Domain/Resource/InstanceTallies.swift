/// The objects of one instance, added up by kind and health, and kept in step with each change.
///
/// Pure: the same sums as counting the objects anew, at a cost that does not grow with their number.
struct InstanceTallies {
    /// An object as far as it counts.
    struct Part: Equatable {
        let kind: String
        let health: Health
        let isReady: Bool
        /// The object with its reason, for people; `nil` where it is healthy.
        let example: String?
        /// What a pod shows when it will probably not come up.
        let sign: String?
        /// Whether another object speaks for it.
        let isApart: Bool

        fileprivate var group: Group { Group(kind: kind, health: health, isApart: isApart) }
    }

    /// What is added up.
    struct Group: Hashable {
        let kind: String
        let health: Health
        /// Whether other objects speak for these; of healthy ones without a sign nobody asks.
        var isApart = false
    }

    private struct Sum {
        var count = 0
        var ready = 0
        var examples = TextCounts()
        var signs = TextCounts()

        mutating func add(_ part: Part) {
            add(1, ready: part.isReady ? 1 : 0)
            note(example: part.example, sign: part.sign)
        }

        mutating func add(_ count: Int, ready: Int) {
            self.count += count
            self.ready += ready
        }

        mutating func note(example: String?, sign: String?) {
            if let example { examples.add(example) }
            if let sign { signs.add(sign) }
        }

        mutating func remove(_ part: Part) {
            count -= 1
            if part.isReady { ready -= 1 }
            if let example = part.example { examples.remove(example) }
            if let sign = part.sign { signs.remove(sign) }
        }
    }

    private var sums: [Group: Sum] = [:]

    /// How many sums and texts are held, and one for the whole.
    var count: Int { 1 + sums.count + textCount }

    /// How many texts are held beside the numbers.
    var textCount: Int { sums.values.reduce(0) { $0 + $1.examples.count + $1.signs.count } }

    /// What the objects add up to, in no order.
    var tallies: [ResourceTally] {
        sums.map { group, sum in
            ResourceTally(
                kind: group.kind,
                health: group.health,
                count: sum.count,
                ready: sum.ready,
                example: sum.examples.least,
                sign: sum.signs.least,
                isApart: group.isApart
            )
        }
    }

    /// Adds an object.
    mutating func add(_ part: Part) {
        sums[part.group, default: Sum()].add(part)
    }

    /// Takes an object away that was added.
    mutating func remove(_ part: Part) {
        guard let place = sums.index(forKey: part.group) else { return }
        sums.values[place].remove(part)
        if sums.values[place].count <= 0 { sums.remove(at: place) }
    }

    /// Adds objects that were counted; their texts are noted apart.
    mutating func add(_ group: Group, count: Int, ready: Int) {
        sums[group, default: Sum()].add(count, ready: ready)
    }

    /// Notes the texts of an object that was counted.
    mutating func note(_ group: Group, example: String?, sign: String?) {
        guard example != nil || sign != nil else { return }
        sums[group, default: Sum()].note(example: example, sign: sign)
    }
}

extension InstanceTallies.Part {
    /// An object as far as it counts for an instance; `nil` where it is gone or not the instance's.
    init?(_ id: ResourceID, _ state: ResourceState?, of instance: String) {
        guard let state, !state.isGone, state.instance == instance else { return nil }
        kind = id.kind
        health = state.assessment.health
        isReady = state.isReady == true
        let reason = state.assessment.reason.map { ": " + $0 } ?? ""
        example = health == .healthy ? nil : "\(id.kind) \(id.name)\(reason)"
        sign = state.sign?.sentence
        isApart = state.isToldApart
    }
}

/// Texts, each as often as it was added, and the least of them in the order of their bytes, as PostgreSQL's "C".
private struct TextCounts {
    private var counts: [String: Int] = [:]
    private(set) var least: String?

    var count: Int { counts.count }

    mutating func add(_ text: String) {
        counts[text, default: 0] += 1
        if let least, !Self.isBefore(text, least) { return }
        least = text
    }

    mutating func remove(_ text: String) {
        guard let count = counts[text] else { return }
        counts[text] = count > 1 ? count - 1 : nil
        if count == 1, text == least { least = counts.keys.min(by: Self.isBefore) }
    }

    private static func isBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}
