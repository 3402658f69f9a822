/// I3: who drops repetitions sees revisions rise per subject, a terminal state last, and the newest state as a key's
/// last word.
enum OrderRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        statuses(index) + results(index) + ledger(index)
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
}
