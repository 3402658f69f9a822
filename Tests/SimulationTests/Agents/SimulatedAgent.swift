import Domain

@testable import ClusterAgent

/// An agent's process: the real session, a queue of what it says, and its place in the command topic.
final class SimulatedAgent: Participant {
    private let cluster: String
    private let broker: Broker
    private let dice: Dice
    private var session: AgentSession
    private var handle: ClusterHandle
    private var places = CommandPlaces()
    private var position: Int64
    /// What waits to be sent; commands are done with when everything said before has arrived.
    private var queue: [AgentMessage] = []
    private var finished: [CommandPlace] = []
    /// The account that was told with everything in the queue.
    private var account: AccountMark?
    /// Messages that come a second time, behind newer ones.
    private var late: [(due: Int64, message: Message)] = []
    private(set) var isOver = false

    init(_ state: ClusterState, id: Int, in world: World) {
        (cluster, broker, dice) = (state.name, world.broker, world.dice)
        handle = ClusterHandle(state, id: id, dice: world.dice)
        session = AgentSession(cluster: state.name, boot: world.dice.uuid(), clusterUID: handle.uid)
        position = world.broker.places[state.name] ?? 0
    }

    /// Helm and the watches end with the process, and what was not sent is lost.
    func die(at now: Int64) {
        isOver = true
        handle.close()
    }

    var isBusy: Bool { handle.next != nil }

    func act(at now: Int64) -> Int64 {
        guard !isOver else { return .max / 4 }
        read(at: now)
        for event in handle.poll(now: now) { perform(session.take(event, now: now, handle), at: now) }
        perform(session.tick(now: now, handle), at: now)
        send(at: now)
        let next = min(handle.next ?? .max, now + 1_000_000)
        return max(next - now, 1000)
    }

    private func read(at now: Int64) {
        let topic = Topics.commands(cluster)
        for message in broker.read(topic, 0, from: position, limit: 10) {
            position = message.offset + 1
            guard case .command(let content, _) = message.body else { continue }
            let place = CommandPlace(partition: 0, offset: message.offset)
            places.begin(place)
            perform(session.take(AgentCommand(content, at: place), now: now, handle), at: now)
        }
        if !session.isCaughtUp, position >= broker.end(topic, 0) {
            perform(session.catchUp(now: now, handle), at: now)
        }
    }

    private func perform(_ outputs: [AgentOutput], at now: Int64) {
        for output in outputs {
            switch output {
            case .send(let message): queue.append(message)
            case .start(let work): handle.start(work, now: now)
            case .abandon(let mark): handle.abandon(mark)
            case .done(let place): finished.append(place)
            case .told(let mark): account = mark
            case .stop: die(at: now)
            case .giveUp, .endLog, .fail: break
            }
        }
    }

    private func send(at now: Int64) {
        guard !isOver else { return }
        var hasLost = false
        for message in queue {
            if dice.happens(.messageLost) {
                hasLost = true
                continue
            }
            let record = Message(topic: message.topic, key: message.key, body: .agent(message))
            broker.append(record, at: now)
            if dice.happens(.duplicate) { late.append((now + dice.time(in: 0...30_000_000), record)) }
        }
        queue = []
        for (_, record) in late.filter({ $0.due <= now }) { broker.append(record, at: now) }
        late.removeAll { $0.due <= now }
        if hasLost { session.repeatHello(now: now) }
        if let account { session.complete(account, now: now) }
        account = nil
        for place in finished { places.finish(place) }
        finished = []
        for place in places.takeMoved() { broker.places[cluster] = max(broker.places[cluster] ?? 0, place.offset) }
    }
}
