@testable import Domain

/// Those who ask: requests of every kind, some twice, some forged, some unreadable, some that fail for a while.
struct Load {
    /// After the last request this passes before a run may end: a snapshot of every agent comes in it.
    static let rest: Int64 = 400_000_000

    private let environments: [String]
    private let dice: Dice
    private var left: Int
    private var count = 0
    private(set) var next: Int64 = 1_795_420_805_000_000
    private(set) var endedAt: Int64 = 0
    private var waiting: [(at: Int64, Request)] = []
    /// Places of requests that nobody can answer, for the checker.
    private(set) var poison: [(topic: String, partition: Int, offset: Int64, id: String)] = []
    private(set) var sent: [Message] = []

    init(_ environments: [String], requests: Int, dice: Dice) {
        (self.environments, self.dice, left) = (environments, dice, requests)
    }

    var isOver: Bool { left == 0 && waiting.isEmpty }

    /// Sends what is due.
    mutating func ask(_ broker: Broker, at now: Int64) {
        if let again = waiting.first, again.at <= now {
            waiting.removeFirst()
            send(again.1, broker, at: now)
        } else if left > 0 {
            left -= 1
            let request = make()
            send(request, broker, at: now)
            repeatLater(request, at: now)
        }
        next = min(left > 0 ? now + dice.time(in: 100_000...1_500_000) : .max, waiting.first?.at ?? .max)
        if isOver { endedAt = now }
    }

    private mutating func send(_ request: Request, _ broker: Broker, at now: Int64) {
        let message = broker.append(
            Message(topic: Topics.requests, key: request.environment, body: .request(request)),
            at: now
        )
        sent.append(message)
        if request.isHopeless { poison.append((message.topic, message.partition, message.offset, request.id)) }
    }

    private mutating func repeatLater(_ request: Request, at now: Int64) {
        let at = now + dice.time(in: 10_000...60_000_000)
        if dice.happens(percent: 8) { waiting.append((at, request)) }
        if dice.happens(percent: 1), request.fault == nil {
            let forged = Request(
                id: request.id,
                operation: .deploy,
                environment: request.environment,
                instance: request.instance,
                version: "forged"
            )
            waiting.append((at + 1, forged))
        }
        waiting.sort { $0.at < $1.at }
    }

    private static let operations: [InstanceOperation] = [
        .deploy, .deploy, .deploy, .upgrade, .upgrade, .rollback, .redeploy, .restart, .configure, .scale, .stop,
        .start,
        .delete,
    ]

    private mutating func make() -> Request {
        count += 1
        var fault: Request.Fault?
        if dice.happens(percent: 1) { fault = .unreadable }
        if dice.happens(percent: 1) { fault = .failing(seconds: dice.time(in: 1...6)) }
        if dice.happens(percent: 0.3) { fault = .failing(seconds: 1_000_000) }
        return Request(
            id: "r\(count)",
            operation: dice.one(of: Self.operations) ?? .deploy,
            environment: dice.one(of: environments) ?? "",
            instance: "web-\(dice.number(in: 1...3))",
            version: "1.\(count).0",
            fault: fault
        )
    }
}
