import ClusterAgent
import Domain
import JSON

/// An agent's session and its cluster under a virtual clock; the test plays the fleet.
struct SessionWorld {
    var session = AgentSession(cluster: "east", boot: "boot-1", clusterUID: "uid-1")
    var cluster = SimulatedCluster(name: "east")
    /// Microseconds since 1970.
    var now: Int64 = 1_795_420_800_000_000
    var messages: [AgentMessage] = []
    var started: [ClusterWork] = []
    var done: [CommandPlace] = []
    /// The newest account that was told.
    var told: AccountMark?
    var givenUp: [CommandMark] = []
    var abandoned: [CommandMark] = []
    var stopReason: String?
    /// How many commands were read.
    var read = 0

    init(boot: String) {
        session = AgentSession(cluster: "east", boot: boot, clusterUID: "uid-1")
    }

    init(isWelcome: Bool = false) {
        guard isWelcome else { return }
        catchUp()
        welcome()
    }

    /// Lets the session read a command.
    mutating func read(_ content: AgentCommand.Content, epoch: Int64? = nil, acts: Bool = true) {
        let command = AgentCommand(content, at: CommandPlace(partition: 0, offset: Int64(read)), epoch: epoch)
        read += 1
        perform(session.take(command, now: now, cluster, acts: acts))
    }

    mutating func welcome(epoch: Int64 = 1, boot: String? = nil, open: [String] = []) {
        read(
            .welcomed(
                Welcomed(
                    boot: boot ?? session.boot,
                    epoch: epoch,
                    namespaces: ["shop-staging"],
                    open: open,
                    snapshotSeconds: 300,
                    heartbeatSeconds: 5
                )
            )
        )
    }

    mutating func catchUp() { perform(session.catchUp(now: now, cluster)) }

    mutating func restart(boot: String) {
        session = AgentSession(cluster: "east", boot: boot, clusterUID: "uid-1")
    }

    mutating func pass(seconds: Double) {
        let end = now + Int64(seconds * 1_000_000)
        while now < end {
            for event in cluster.poll(now: now) { perform(session.take(event, now: now, cluster)) }
            perform(session.tick(now: now, cluster))
            now = min(now + 20_000, end)
        }
    }

    /// Lets the session see something that happens in the cluster.
    mutating func take(_ event: ClusterEvent) { perform(session.take(event, now: now, cluster)) }

    private mutating func perform(_ outputs: [AgentOutput]) {
        for output in outputs {
            switch output {
            case .send(let message): messages.append(message)
            case .start(let work):
                started.append(work)
                cluster.start(work, now: now)
            case .done(let place): done.append(place)
            case .told(let mark): told = mark
            case .stop(let reason): stopReason = reason
            case .giveUp(let mark): givenUp.append(mark)
            case .abandon(let mark): abandoned.append(mark)
            case .endLog(let command): cluster.endLog(of: command, now: now)
            case .fail: break
            }
        }
    }

    /// A message with its data to look into.
    struct Body {
        let message: AgentMessage

        func text(_ name: String) -> String? {
            try? JSONParser().withDocument(message.data) { $0[named: name]?.string }
        }

        func number(_ name: String) -> Int64? {
            try? JSONParser().withDocument(message.data) { $0[named: name]?.int }
        }

        /// The kinds of the objects that an `applied` lists.
        var kinds: [String] {
            var kinds: [String] = []
            try? JSONParser().withDocument(message.data) { root in
                root["objects"]?.forEachElement { kinds.append($0["kind"]?.string ?? "") }
            }
            return kinds
        }
    }

    /// What was said on `agent.status`, in short words.
    var said: [String] {
        messages.filter { $0.topic == "agent.status" }
            .map { $0.type.split(separator: ".").dropFirst(2).first.map(String.init) ?? "" }
    }

    func statements(_ word: String) -> [Body] {
        messages.filter { $0.type == "slipway.agent.\(word).v1" }.map(Body.init)
    }

    func changes(of kind: String) -> [Body] {
        messages.filter { $0.type == "slipway.resource.changed.v1" }.map(Body.init).filter { $0.text("kind") == kind }
    }
}

extension NamespaceRequested {
    static func staging() -> NamespaceRequested {
        NamespaceRequested(command: "n", generation: 1, environment: "shop/staging", namespace: "shop-staging")
    }
}
