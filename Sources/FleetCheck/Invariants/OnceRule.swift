/// I2: each request made one command, a dry run none; each step is told by one message, and one id has one content.
enum OnceRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        contents(index) + commands(index) + steps(index) + generations(index)
    }

    private static func contents(_ index: HistoryIndex) -> [Violation] {
        struct Name: Hashable {
            let topic: String
            let id: String
        }
        var known: [Name: SeenMessage] = [:]
        var found: [Violation] = []
        for message in index.history.messages {
            // A dead letter keeps the id of what it was.
            guard Topic.isOutput(message.topic), !message.topic.hasSuffix(Topic.deadLetters), let id = message.id
            else { continue }
            let name = Name(topic: message.topic, id: id)
            guard let first = known[name] else {
                known[name] = message
                continue
            }
            if first.text != message.text || first.key != message.key {
                found.append(Violation(.onceOnly, "\(message.topic) \(id)", "two messages of this id differ"))
            }
        }
        return found
    }

    private static func commands(_ index: HistoryIndex) -> [Violation] {
        var commands: [RequestName: Set<String>] = [:]
        for command in index.history.database.commands {
            commands[RequestName(source: command.source, id: command.request), default: []].insert(command.id)
        }
        for (_, result) in index.results {
            guard let command = result.command else { continue }
            commands[result.request, default: []].insert(command)
        }
        return commands.compactMap { name, ids in
            let isDryRun = index.dryRuns.contains(name)
            guard ids.count > (isDryRun ? 0 : 1) else { return nil }
            let says = (isDryRun ? "it is a dry run, and became" : "it became") + " \(ids.count) commands"
            return Violation(.onceOnly, "\(name.source) \(name.id)", says)
        }
    }

    /// What the ledger says of a command and what was published of it are the same steps.
    private static func steps(_ index: HistoryIndex) -> [Violation] {
        struct Step: Hashable {
            let command: String
            let revision: Int64
            let state: String
        }
        let stored = Set(
            index.history.database.steps.filter { !$0.isLate }
                .map { Step(command: $0.command, revision: $0.revision, state: $0.state) }
        )
        var told: Set<Step> = []
        var found: [Violation] = []
        for (message, result) in index.results {
            guard let command = result.command, result.state != "planned" else { continue }
            let step = Step(command: command, revision: result.revision, state: result.state)
            if !told.insert(step).inserted {
                found.append(Violation(.onceOnly, "command \(command)", "two ids tell of its step \(result.revision)"))
            }
            if !stored.contains(step) {
                found.append(
                    Violation(
                        .onceOnly,
                        "command \(command)",
                        "\(message.id ?? "") tells of \(step.state) at \(step.revision), which the ledger lacks"
                    )
                )
            }
        }
        for step in stored.subtracting(told) {
            found.append(
                Violation(
                    .onceOnly,
                    "command \(step.command)",
                    "its step \(step.revision), \(step.state), was never told"
                )
            )
        }
        return found
    }

    private static func generations(_ index: HistoryIndex) -> [Violation] {
        struct Generation: Hashable {
            let subject: String
            let number: Int64
        }
        var commands: [Generation: Int] = [:]
        for command in index.history.database.commands {
            guard let subject = command.subject, command.generation > 0 else { continue }
            commands[Generation(subject: subject, number: command.generation), default: 0] += 1
        }
        return commands.filter { $0.value > 1 }.map {
            Violation(.onceOnly, $0.key.subject, "\($0.value) commands have its generation \($0.key.number)")
        }
    }
}
