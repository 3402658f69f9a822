/// I3: who drops repetitions sees revisions rise per subject, a terminal state last, and the newest state as a key's
/// last word; and what was asked of a subject is done in the order in which it was asked.
enum OrderRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        statuses(index) + results(index) + ledger(index) + numbers(index) + requests(index)
    }

    /// Requests about one thing become its generations in the order in which they lie on their topic.
    ///
    /// What was dead-lettered does not count.
    private static func requests(_ index: HistoryIndex) -> [Violation] {
        var last: [String: (command: StoredCommand, place: Place)] = [:]
        var found: [Violation] = []
        for command in index.history.database.commands.sorted(by: { $0.generation < $1.generation }) {
            guard let subject = command.subject, command.generation > 0,
                let place = index.asked[RequestName(source: command.source, id: command.request)]?.place
            else { continue }
            if let before = last[subject], place.isBefore(before.place) {
                let says = "\(command.request) came before \(before.command.request) and was done after it"
                found.append(Violation(.order, subject, says))
            }
            last[subject] = (command, place)
        }
        return found
    }

    private static func statuses(_ index: HistoryIndex) -> [Violation] {
        var seen: Set<String> = []
        var highest: [SubjectName: Int64] = [:]
        var last: [SubjectName: Int64] = [:]
        var found: [Violation] = []
        for message in index.history.messages where Topic.statuses.contains(message.topic) {
            let subject = SubjectName(topic: message.topic, key: message.key)
            guard let revision = message.revision else {
                found.append(Violation(.order, "\(subject.topic) \(subject.key)", "\(message.place) has no revision"))
                continue
            }
            last[subject] = revision
            guard seen.insert("\(message.topic) \(message.id ?? "")").inserted else { continue }
            if let before = highest[subject], revision <= before {
                found.append(
                    Violation(
                        .order,
                        "\(subject.topic) \(subject.key)",
                        "revision \(revision) came first behind \(before)"
                    )
                )
            }
            highest[subject] = max(highest[subject] ?? 0, revision)
        }
        for (subject, revision) in last where revision != highest[subject] {
            let newest = highest[subject] ?? 0
            found.append(
                Violation(
                    .order,
                    "\(subject.topic) \(subject.key)",
                    "its last word is revision \(revision), its newest \(newest)"
                )
            )
        }
        return found
    }

    private static func results(_ index: HistoryIndex) -> [Violation] {
        var last: [String: ResultData] = [:]
        var found: [Violation] = []
        for (_, result) in index.results {
            guard let command = result.command, result.state != "planned" else { continue }
            if let before = last[command] {
                if before.isTerminal {
                    found.append(Violation(.order, "command \(command)", "\(result.state) came after \(before.state)"))
                }
                if result.revision <= before.revision {
                    found.append(
                        Violation(
                            .order,
                            "command \(command)",
                            "revision \(result.revision) came first behind \(before.revision)"
                        )
                    )
                }
            }
            last[command] = result
        }
        return found
    }

    private static func ledger(_ index: HistoryIndex) -> [Violation] {
        var last: [String: StoredStep] = [:]
        var found: [Violation] = []
        for step in index.history.database.steps.sorted(by: { $0.revision < $1.revision }) where !step.isLate {
            if let before = last[step.command], ResultData.terminal.contains(before.state) {
                found.append(
                    Violation(.order, "command \(step.command)", "the ledger has \(step.state) after \(before.state)")
                )
            }
            last[step.command] = step
        }
        for command in index.history.database.commands where last[command.id]?.state != command.state {
            let newest = last[command.id]?.state ?? "nothing"
            found.append(
                Violation(.order, "command \(command.id)", "it is \(command.state), its newest step \(newest)")
            )
        }
        return found
    }

    /// The steps of a command begin with its acceptance, and their numbers follow each other up to the command's own.
    ///
    /// So do those of late steps.
    private static func numbers(_ index: HistoryIndex) -> [Violation] {
        let steps = Dictionary(grouping: index.history.database.steps, by: \.command)
        var found: [Violation] = []
        for command in index.history.database.commands {
            let own = (steps[command.id] ?? []).sorted { $0.revision < $1.revision }
            guard let first = own.first, let last = own.last else { continue }
            let follow = zip(own, own.dropFirst()).allSatisfy { $0.revision + 1 == $1.revision }
            if first.state != "accepted" || !follow || last.revision != command.revision {
                let numbers = own.map { "\($0.revision) \($0.state)" }.joined(separator: ", ")
                let says = "it is at \(command.revision), and its steps are not all there: \(numbers)"
                found.append(Violation(.order, "command \(command.id)", says))
            }
        }
        return found
    }
}
