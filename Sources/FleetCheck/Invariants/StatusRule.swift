/// I7, of what is published: the last word about a thing is what the database says, and its newest command counts.
enum StatusRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        words(index) + ends(index)
    }

    // MARK: The last word

    private static func words(_ index: HistoryIndex) -> [Violation] {
        var newest: [SubjectName: SeenMessage] = [:]
        for message in index.history.messages where Topic.statuses.contains(message.topic) {
            let subject = SubjectName(topic: message.topic, key: message.key)
            if let before = newest[subject]?.revision, before > message.revision ?? 0 { continue }
            newest[subject] = message
        }
        let database = index.history.database
        var found: [Violation] = []
        for (subject, message) in newest {
            guard let says = fault(of: message, database.statuses[subject], at: database.revisions[subject]) else {
                continue
            }
            found.append(Violation(.convergence, "\(subject.topic) \(subject.key)", "\(message.place): \(says)"))
        }
        return found
    }

    /// What is wrong with the newest word about something.
    ///
    /// - Parameter revision: Where the database is; that another one was published is told elsewhere.
    private static func fault(of message: SeenMessage, _ stored: StoredStatus?, at revision: Int64?) -> String? {
        struct Status: Decodable {
            let state: String?
            let health: String?
        }
        guard let stored else {
            return message.isTombstone ? nil : "it is told to be there, and the database does not know it"
        }
        guard revision == message.revision else { return nil }
        if stored.isGone != message.isTombstone {
            return stored.isGone ? "it is gone, and that was not told" : "it is there, and was told to be gone"
        }
        guard !stored.isGone else { return nil }
        guard let told = message.decoded(Status.self) else { return "its last word cannot be read" }
        for (name, said, present) in [("state", told.state, stored.state), ("health", told.health, stored.health)] {
            guard let present, present != said else { continue }
            return "its \(name) is '\(present)', and '\(said ?? "none")' was told"
        }
        return nil
    }

    // MARK: What commands have made of it

    /// An instance or object whose newest command has succeeded is gone where that was its deletion, and only then.
    ///
    /// With an environment everything in it goes.
    private static func ends(_ index: HistoryIndex) -> [Violation] {
        let database = index.history.database
        var newest: [String: StoredCommand] = [:]
        var emptied: Set<String> = []
        for command in database.commands {
            if command.about.hasPrefix("environment "), requestType(of: command, index).contains(".delete.") {
                emptied.insert(String(command.about.dropFirst("environment ".count)))
            }
            guard let subject = command.subject, command.generation > newest[subject]?.generation ?? 0 else { continue }
            newest[subject] = command
        }
        var found: [Violation] = []
        for command in newest.values where command.state == "succeeded" {
            guard let (subject, environment) = place(of: command), !emptied.contains(environment),
                let stored = database.statuses[subject]
            else { continue }
            let type = requestType(of: command, index)
            let kind = command.about.prefix { $0 != " " }
            guard type.hasPrefix("slipway.\(kind)."), type.contains(".delete.") != stored.isGone else { continue }
            let says = "its newest command, \(command.request), has succeeded: \(type)"
            let end = stored.isGone ? "it is gone" : "it is there"
            found.append(Violation(.convergence, command.about, "\(end), and \(says)"))
        }
        return found
    }

    /// What a command was asked for by.
    private static func requestType(of command: StoredCommand, _ index: HistoryIndex) -> String {
        index.asked[RequestName(source: command.source, id: command.request)]?.type ?? ""
    }

    /// Where the states of a command's subject are published, and its environment; none of what is in no environment.
    private static func place(of command: StoredCommand) -> (subject: SubjectName, environment: String)? {
        let words = command.about.split(separator: " ", maxSplits: 1)
        guard words.count == 2 else { return nil }
        let parts = words[1].split(separator: "/")
        guard parts.count == 3 else { return nil }
        let environment = "\(parts[0])/\(parts[1])"
        guard words[0] != "instance" else {
            return (SubjectName(topic: "instance.status", key: String(words[1])), environment)
        }
        let key = "\(environment)/\(words[0])/\(parts[2])"
        return (SubjectName(topic: "object.status", key: key), environment)
    }
}
