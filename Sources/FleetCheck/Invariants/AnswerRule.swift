/// I3, also of what has no generations: requests about one project, environment, cluster, application or rule are answered in
/// the order in which they came, and what is stored in the end is what the last of them said.
enum AnswerRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        let asked = requests(index)
        return asked.flatMap { order($0.key, $0.value) } + values(asked, index)
    }

    /// A request that became a command.
    private struct Asked {
        let command: StoredCommand
        let message: SeenMessage
        /// Where the first of its results lies.
        let answer: Place
    }

    private static func requests(_ index: HistoryIndex) -> [String: [Asked]] {
        var answers: [String: Place] = [:]
        for (message, result) in index.results {
            guard let command = result.command, answers[command] == nil else { continue }
            answers[command] = message.place
        }
        var asked: [String: [Asked]] = [:]
        for command in index.history.database.commands where !command.about.isEmpty {
            guard let message = index.asked[RequestName(source: command.source, id: command.request)],
                let answer = answers[command.id]
            else { continue }
            asked[command.about, default: []].append(Asked(command: command, message: message, answer: answer))
        }
        return asked
    }

    /// Requests with different keys have no order, nor have answers in different partitions.
    private static func order(_ about: String, _ asked: [Asked]) -> [Violation] {
        struct Way: Hashable {
            let key: String
            let answers: Int32
        }
        var last: [Way: Asked] = [:]
        var found: [Violation] = []
        for one in asked.sorted(by: { $0.answer.isBefore($1.answer) }) {
            let way = Way(key: one.message.key, answers: one.answer.partition)
            if let before = last[way], one.message.place.isBefore(before.message.place) {
                let says = "\(one.command.request) came before \(before.command.request) and was answered after it"
                found.append(Violation(.order, about, says))
            }
            last[way] = one
        }
        return found
    }

    // MARK: What is stored

    /// Only what was asked for under one key can be said to be the last.
    private static func values(_ asked: [String: [Asked]], _ index: HistoryIndex) -> [Violation] {
        let deleted = Set(asked.filter { $0.value.contains { $0.message.type.contains(".delete.") } }.keys)
        var found: [Violation] = []
        for (about, all) in asked where Set(all.map(\.message.key)).count == 1 {
            // With an environment its rules go, and a cluster that comes again is another one.
            let environment = about.hasPrefix("auto-deploy ") ? "environment " + place(of: about) : about
            guard !deleted.contains(environment) else { continue }
            let done = all.filter { $0.command.state == "succeeded" }
                .sorted { $0.message.place.isBefore($1.message.place) }
            guard let wanted = done.lazy.reversed().compactMap({ value(of: $0.message) }).first else { continue }
            let stored = index.history.database.values[about] ?? "deleted"
            if stored != wanted {
                let says = "the last request about it has '\(wanted)', stored is '\(stored)'"
                found.append(Violation(.order, about, says))
            }
        }
        return found
    }

    /// The environment of `auto-deploy <project>/<environment>/<instance>`.
    private static func place(of about: String) -> String {
        about.split(separator: " ").dropFirst().joined().split(separator: "/").dropLast().joined(separator: "/")
    }

    /// What a request wants to be stored, of what can be compared.
    private static func value(of message: SeenMessage) -> String? {
        struct Named: Decodable {
            let name: String?
        }
        switch message.type {
        case "slipway.project.create.v1", "slipway.project.update.v1", "slipway.cluster.register.v1",
            "slipway.cluster.update.v1":
            return message.decoded(Named.self)?.name
        case "slipway.autodeploy.create.v1", "slipway.autodeploy.enable.v1": return "enabled"
        case "slipway.autodeploy.disable.v1": return "disabled"
        case "slipway.autodeploy.delete.v1": return "deleted"
        default: return nil
        }
    }
}
