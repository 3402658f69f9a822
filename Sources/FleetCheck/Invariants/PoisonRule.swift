/// I1, of what nobody should act on: it is rejected or dead-lettered and never done, and nothing else is dead-lettered.
enum PoisonRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        unanswered(index) + obeyed(index) + letters(index)
    }

    private static func unanswered(_ index: HistoryIndex) -> [Violation] {
        var rejected: Set<RequestName> = []
        for (_, result) in index.results where result.state == "rejected" { rejected.insert(result.request) }
        return index.history.sent.compactMap { sent in
            guard let poison = sent.poison, let place = sent.place, index.letters[place] == nil else { return nil }
            // Only who asks for something can be told.
            let name = RequestName(source: sent.source, id: sent.id)
            guard sent.topic != Topic.requests || !rejected.contains(name) else { return nil }
            return Violation(.end, "\(place)", "sent with '\(poison)', neither rejected nor dead-lettered")
        }
    }

    /// It never becomes a command; of what has the id of a proper request, that one does.
    private static func obeyed(_ index: HistoryIndex) -> [Violation] {
        var poison: Set<RequestName> = []
        var proper: Set<RequestName> = []
        for sent in index.history.sent where sent.topic == Topic.requests {
            let name = RequestName(source: sent.source, id: sent.id)
            if sent.poison == nil {
                proper.insert(name)
            } else {
                poison.insert(name)
            }
        }
        let forbidden = poison.subtracting(proper)
        return index.history.database.commands.compactMap { command in
            let name = RequestName(source: command.source, id: command.request)
            guard forbidden.contains(name) else { return nil }
            return Violation(.end, "\(name.source) \(name.id)", "nobody may act on it, and it became \(command.id)")
        }
    }

    // MARK: Dead letters

    /// What the fleet could not do for a while is no reason to give a message up.
    private static let ownFaults: Set<String> = ["kept_failing", "handler_failed", "internal_error"]

    /// A dead letter is the end of what nobody can act on, not of what the fleet could not do for a while.
    private static func letters(_ index: HistoryIndex) -> [Violation] {
        let poison = index.history.sent.filter { $0.poison != nil }
        let ids = Set(poison.map(\.id))
        let places = Set(poison.compactMap(\.place))
        let proper = Set(index.history.sent.filter { $0.poison == nil }.compactMap(\.place))
        var found: [Violation] = []
        for (place, letters) in index.letters {
            for letter in letters {
                let code = letter.headers["slipway-reason-code"] ?? ""
                // The broker may have poison twice, or not have said where: then its id tells, where it has one.
                let hasPoisonsName = letter.id.map { ids.contains($0) } ?? true
                let isPoison = places.contains(place) || (!proper.contains(place) && hasPoisonsName)
                if ownFaults.contains(code) || (!isPoison && !isExcused(code, on: place.topic)) {
                    found.append(Violation(.end, "\(place)", "a proper message was dead-lettered: \(code)"))
                }
            }
        }
        return found
    }

    /// A worker that is killed again and again in the midst of a message gives it up, and says so.
    ///
    /// A run has the database refuse what requests write, and nothing else.
    private static func isExcused(_ code: String, on topic: String) -> Bool {
        code == "worker_crashed" || (code == "database_refused" && topic == Topic.requests)
    }
}

extension SentMessage {
    /// Where the broker said that it lies.
    fileprivate var place: Place? {
        guard let partition, let offset else { return nil }
        return Place(topic: topic, partition: partition, offset: offset)
    }
}
