/// Everything that is known of a run: what was sent, what lies on the topics, and what the database holds in the end.
package struct History: Sendable {
    package var sent: [SentMessage] = []
    package var samples: [Sample] = []
    package var sightings: [Sighting] = []
    package var endings: [UnexpectedEnd] = []
    /// In the order of each partition.
    package var messages: [SeenMessage] = []
    package var database = DatabaseState()
    /// What the clusters themselves say; none where nobody keeps them.
    package var clusters: [KeptCluster] = []

    package init() {}

    package init(
        record: [RecordLine],
        messages: [SeenMessage],
        database: DatabaseState,
        clusters: [KeptCluster] = []
    ) {
        sent = record.compactMap(\.sent)
        samples = record.compactMap(\.sample)
        sightings = record.compactMap(\.sighting)
        endings = record.compactMap(\.ending)
        self.messages = messages
        (self.database, self.clusters) = (database, clusters)
    }
}

/// The topics by what is on them.
enum Topic {
    static let requests = "deployment.requests"
    static let results = "deployment.results"
    static let changes = "resource.changes"
    static let status = "agent.status"
    static let releases = "release.events"
    static let statuses = ["environment.status", "instance.status", "object.status", "resource.status"]
    static let deadLetters = ".dlt"
    /// What the fleet reads.
    static let inputs = [requests, changes, status, releases, "agent.output"]

    /// Whether the fleet's outbox writes it.
    static func isOutput(_ topic: String) -> Bool {
        topic == results || statuses.contains(topic) || topic == "cdevents" || topic.hasPrefix("agent.commands.")
            || topic.hasSuffix(deadLetters)
    }
}

/// A request as its sender names it.
struct RequestName: Decodable, Hashable {
    let source: String
    let id: String
}

/// What a result says.
struct ResultData: Decodable {
    struct Reason: Decodable {
        let code: String
        let message: String
    }
    let command: String?
    let request: RequestName
    let state: String
    let revision: Int64
    let reason: Reason?

    static let terminal: Set<String> = [
        "rejected", "planned", "succeeded", "failed", "timed_out", "superseded", "canceled",
    ]
    var isTerminal: Bool { Self.terminal.contains(state) }
}

/// Views of a history that several invariants need, made once.
struct HistoryIndex {
    let history: History
    /// The results without their repetitions, in order.
    let results: [(message: SeenMessage, data: ResultData)]
    /// The places of the messages that were dead-lettered, each with its letter.
    let letters: [Place: [SeenMessage]]
    /// What the agents told of their clusters.
    let told: ToldWorld
    /// The requests that only ask what would happen: nothing else came under their ids.
    let dryRuns: Set<RequestName>
    /// Each request where it lies first, without those that were dead-lettered.
    let asked: [RequestName: SeenMessage]

    init(_ history: History) {
        self.history = history
        var seen: Set<String> = []
        var results: [(message: SeenMessage, data: ResultData)] = []
        var letters: [Place: [SeenMessage]] = [:]
        for message in history.messages {
            if message.topic == Topic.results, message.type.hasPrefix("slipway.command."),
                seen.insert(message.id ?? "").inserted, let data = message.decoded(ResultData.self)
            {
                results.append((message, data))
            }
            if message.topic.hasSuffix(Topic.deadLetters), let place = Self.origin(of: message) {
                letters[place, default: []].append(message)
            }
        }
        (self.results, self.letters) = (results, letters)
        told = ToldWorld(history.messages, without: letters)
        dryRuns = Self.dryRuns(among: history.messages)
        asked = Self.asked(among: history.messages, without: letters)
    }

    private static func asked(
        among messages: [SeenMessage],
        without letters: [Place: [SeenMessage]]
    ) -> [RequestName: SeenMessage] {
        var first: [RequestName: SeenMessage] = [:]
        for message in messages where message.topic == Topic.requests {
            guard let source = message.source, let id = message.id, letters[message.place] == nil else { continue }
            let name = RequestName(source: source, id: id)
            if let known = first[name], known.place.isBefore(message.place) { continue }
            first[name] = message
        }
        return first
    }

    private static func dryRuns(among messages: [SeenMessage]) -> Set<RequestName> {
        var asked: Set<RequestName> = []
        var meant: Set<RequestName> = []
        for message in messages where message.topic == Topic.requests {
            guard let source = message.source, let id = message.id else { continue }
            let name = RequestName(source: source, id: id)
            if message.isDryRun {
                asked.insert(name)
            } else {
                meant.insert(name)
            }
        }
        return asked.subtracting(meant)
    }

    private static func origin(of letter: SeenMessage) -> Place? {
        guard let partition = letter.headers["__connect.errors.partition"].flatMap({ Int32($0) }),
            let offset = letter.headers["__connect.errors.offset"].flatMap({ Int64($0) })
        else { return nil }
        return Place(
            topic: String(letter.topic.dropLast(Topic.deadLetters.count)),
            partition: partition,
            offset: offset
        )
    }
}
