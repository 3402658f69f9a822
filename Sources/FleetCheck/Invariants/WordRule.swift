/// I8, of words to and of agents: what is called sent was sent, and what an agent told and counts is in the ledger.
enum WordRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        unsent(index) + unheard(index)
    }

    /// A message to an agent, or from one, about a command.
    private struct Word: Decodable {
        let command: String
        let generation: Int64?
    }

    /// A command that is called sent lies on its cluster's topic.
    private static func unsent(_ index: HistoryIndex) -> [Violation] {
        let messages = index.history.messages.lazy.filter {
            $0.topic.hasPrefix("agent.commands.") && $0.type.hasSuffix("_requested.v1")
        }
        let sent = Set(messages.compactMap { $0.decoded(Word.self)?.command })
        let called = Set(index.history.database.steps.lazy.filter { $0.state == "sent" }.map(\.command))
        return called.subtracting(sent).map {
            Violation(.openness, "command \($0)", "it is called sent, and no message asks an agent for it")
        }
    }

    // MARK: What agents tell

    /// That a command was applied is in its ledger, be it late, where the agent's word counted.
    private static func unheard(_ index: HistoryIndex) -> [Violation] {
        let steps = index.history.database.steps.lazy.filter { $0.state == "applied" }
        let known = Set(steps.map(\.command))
        var generations: [String: Int64] = [:]
        for command in index.history.database.commands { generations[command.id] = command.generation }
        var found: [Violation] = []
        for message in countedWords(index) where message.type == "slipway.agent.applied.v1" {
            guard let word = message.decoded(Word.self), let generation = generations[word.command],
                generation == word.generation, !known.contains(word.command)
            else { continue }
            let says = "an agent told at \(message.place.offset) of \(message.topic) that it was applied"
            found.append(Violation(.openness, "command \(word.command)", "\(says), and the ledger does not know"))
        }
        return found
    }

    /// What agents said that counts beyond doubt: of the boot that introduced itself last, numbered above all before.
    ///
    /// A boot has the epoch of its heartbeats. What one says whose successor has introduced itself may count or not.
    private static func countedWords(_ index: HistoryIndex) -> [SeenMessage] {
        struct Introduction: Decodable {
            let boot: String
        }
        let messages = index.history.messages.filter { $0.topic == Topic.status && index.letters[$0.place] == nil }
        var boots: [Speaker: String] = [:]
        for message in messages where message.type == "slipway.agent.heartbeat.v1" {
            guard let position = message.position, let boot = message.decoded(Introduction.self)?.boot else { continue }
            boots[Speaker(cluster: message.key, epoch: position.epoch)] = boot
        }
        var introduced: Set<String> = []
        var newest: [String: String] = [:]
        var highest: [Speaker: Int64] = [:]
        var counted: [SeenMessage] = []
        for message in messages {
            if message.type == "slipway.agent.hello.v1" {
                guard let boot = message.decoded(Introduction.self)?.boot else { continue }
                if introduced.insert("\(message.key) \(boot)").inserted { newest[message.key] = boot }
                continue
            }
            guard let position = message.position else { continue }
            let speaker = Speaker(cluster: message.key, epoch: position.epoch)
            guard position.sequence > highest[speaker] ?? 0 else { continue }
            highest[speaker] = position.sequence
            if let boot = boots[speaker], boot == newest[message.key] { counted.append(message) }
        }
        return counted
    }

    /// Who speaks: a cluster's agent of one epoch.
    private struct Speaker: Hashable {
        let cluster: String
        let epoch: Int64
    }
}
