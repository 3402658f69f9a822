/// Topics as lists, and the consumer groups on them.
final class Broker {
    private(set) var topics: [String: [[Message]]] = [:]
    private(set) var groups: [String: Group] = [:]
    /// The producers that the broker refuses, by the number of their start.
    fileprivate(set) var fenced: Set<Int> = []
    /// What groups have committed, for tools; nobody starts from it.
    var committed: [String: Int64] = [:]
    /// Where agents have stored their places in their command topics.
    var places: [String: Int64] = [:]
    /// Who is told of a message in a topic.
    var heard: (String) -> Void = { _ in }

    func group(_ topic: String) -> Group {
        if let known = groups[topic] { return known }
        let made = Group(partitions: Topics.partitions(of: topic))
        groups[topic] = made
        return made
    }

    /// The partition of a topic in which the messages of a key lie.
    static func partition(of key: String, in topic: String) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return Int(hash % UInt64(Topics.partitions(of: topic)))
    }

    /// Appends; the partition follows from the key.
    @discardableResult
    func append(_ message: Message, at now: Int64) -> Message {
        var message = message
        let count = Topics.partitions(of: message.topic)
        message.partition = Self.partition(of: message.key, in: message.topic)
        message.time = now
        let empty = [[Message]](repeating: [], count: count)
        message.offset = Int64(topics[message.topic, default: empty][message.partition].count)
        topics[message.topic, default: empty][message.partition].append(message)
        heard(message.topic)
        return message
    }

    func end(_ topic: String, _ partition: Int) -> Int64 { Int64(topics[topic]?[partition].count ?? 0) }

    func read(_ topic: String, _ partition: Int, from offset: Int64, limit: Int) -> ArraySlice<Message> {
        guard let log = topics[topic]?[partition], offset < Int64(log.count) else { return [] }
        return log[Int(offset)...].prefix(limit)
    }

    func fence(_ producer: Int) { fenced.insert(producer) }
}

/// A consumer group with cooperative rebalances: who leaves a partition is asked first, unless it is silent too long.
final class Group {
    enum Event: Equatable {
        case assigned([Int])
        case revoked([Int], isLost: Bool)
    }

    private struct Member {
        var lastPoll: Int64
        var leaves: Set<Int> = []
        var gets: Set<Int> = []
    }

    static let sessionTimeout: Int64 = 10_000_000
    private let partitions: Int
    private var members: [Int: Member] = [:]
    private var owner: [Int: Int] = [:]
    private var target: [Int: Int] = [:]
    /// Members that were put out and do not know it yet.
    private var expired: Set<Int> = []

    init(partitions: Int) {
        self.partitions = partitions
    }

    func join(_ id: Int, at now: Int64) {
        members[id] = Member(lastPoll: now)
        rebalance()
    }

    func leave(_ id: Int) {
        guard members.removeValue(forKey: id) != nil else { return }
        for (partition, holder) in owner where holder == id { owner[partition] = nil }
        rebalance()
    }

    /// Puts out who has not polled for the session's time.
    func expire(at now: Int64) {
        for id in members.keys.sorted() where now - (members[id]?.lastPoll ?? now) > Self.sessionTimeout {
            expired.insert(id)
            leave(id)
        }
    }

    /// Whether the group counts the member as the partition's owner.
    func owns(_ id: Int, _ partition: Int) -> Bool { members[id] != nil && owner[partition] == id }

    /// A member's poll: that it lives, and what the group wants of it.
    func poll(_ id: Int, at now: Int64) -> Event? {
        if expired.remove(id) != nil {
            join(id, at: now)
            return .revoked(Array(0..<partitions), isLost: true)
        }
        guard var member = members[id] else { return nil }
        member.lastPoll = now
        defer { members[id] = member }
        if !member.leaves.isEmpty {
            defer { member.leaves = [] }
            return .revoked(member.leaves.sorted(), isLost: false)
        }
        guard !member.gets.isEmpty else { return nil }
        defer { member.gets = [] }
        return .assigned(member.gets.sorted())
    }

    /// A member gives partitions up that it was asked for.
    func release(_ id: Int, _ given: [Int]) {
        for partition in given where owner[partition] == id {
            owner[partition] = nil
            if let next = target[partition] { give(partition, to: next) }
        }
    }

    private func give(_ partition: Int, to id: Int) {
        guard members[id] != nil else { return }
        owner[partition] = id
        members[id]?.gets.insert(partition)
    }

    private func rebalance() {
        let living = members.keys.sorted()
        guard !living.isEmpty else { return }
        var counts = Dictionary(uniqueKeysWithValues: living.map { ($0, 0) })
        let floor = partitions / living.count
        var larger = partitions % living.count
        target = [:]
        for partition in 0..<partitions {
            guard let holder = owner[partition], let count = counts[holder] else { continue }
            guard count < floor || (count == floor && larger > 0) else { continue }
            if count == floor { larger -= 1 }
            counts[holder] = count + 1
            target[partition] = holder
        }
        for partition in 0..<partitions where target[partition] == nil {
            guard let least = living.min(by: { (counts[$0] ?? 0, $0) < (counts[$1] ?? 0, $1) }) else { continue }
            counts[least, default: 0] += 1
            target[partition] = least
        }
        for (partition, next) in target.sorted(by: { $0.key < $1.key }) {
            guard let holder = owner[partition] else {
                give(partition, to: next)
                continue
            }
            if holder == next {
                members[holder]?.leaves.remove(partition)
            } else if members[holder]?.gets.remove(partition) != nil {
                // It has not heard of it yet.
                owner[partition] = nil
                give(partition, to: next)
            } else {
                members[holder]?.leaves.insert(partition)
            }
        }
    }
}

extension Broker {
    /// Whose producer was refused has made a new one.
    func admit(_ producer: Int) { fenced.remove(producer) }
}
