/// The terminal states of requests.
private struct Ends {
    private var reached: [RequestName: [(state: String, id: String)]] = [:]
    private var planned: Set<RequestName> = []
    private var refused: Set<RequestName> = []

    init(_ index: HistoryIndex) {
        for (message, result) in index.results where result.isTerminal {
            let name = result.request
            if result.reason?.code == "id_reused" {
                refused.insert(name)
            } else if result.state == "planned" {
                // A plan is made anew each time that it is asked for.
                planned.insert(name)
            } else {
                reached[name, default: []].append((state: result.state, id: message.id ?? ""))
            }
        }
    }

    /// What is wrong with how the request ended.
    ///
    /// - Parameter givenUp: How often it was dead-lettered before: whoever sends it again asks for another try.
    func fault(of name: RequestName, givenUp: Int) -> String? {
        let all = reached[name] ?? []
        if planned.contains(name) { return "it is no dry run, and was answered with a plan" }
        if all.isEmpty { return "it has no end" }
        guard all.count > 1 + givenUp else { return nil }
        return "it has \(all.count) ends: " + all.map { "\($0.state) (\($0.id))" }.joined(separator: ", ")
    }

    /// What is wrong with the answers to a dry run, which is decided anew each time that it is asked for.
    func fault(ofDryRun name: RequestName) -> String? {
        let all = reached[name] ?? []
        if let end = all.first(where: { $0.state != "rejected" }) {
            return "it is a dry run, and was carried out: \(end.state) (\(end.id))"
        }
        return all.isEmpty && !planned.contains(name) ? "it has no end" : nil
    }

    /// What is wrong with the answer to another content under a used id.
    func refusal(of name: RequestName) -> String? {
        refused.contains(name) ? nil : "other content under its id was neither refused nor dead-lettered"
    }
}

/// I1: every request that the broker has reaches one terminal state, or is dead-lettered with a reason.
enum EndRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        unseen(index) + unended(index) + open(index) + versions(index) + unasked(index)
    }

    /// What was acknowledged by the broker lies on the topic.
    private static func unseen(_ index: HistoryIndex) -> [Violation] {
        let places = Set(index.history.messages.map(\.place))
        return index.history.sent.compactMap { sent in
            guard let partition = sent.partition, let offset = sent.offset,
                !places.contains(Place(topic: sent.topic, partition: partition, offset: offset))
            else { return nil }
            return Violation(
                .end,
                sent.id,
                "the broker acknowledged it at \(sent.topic)-\(partition)@\(offset), where nothing lies"
            )
        }
    }

    private static func unended(_ index: HistoryIndex) -> [Violation] {
        let ends = Ends(index)
        var contents: [RequestName: [String]] = [:]
        var givenUp: [RequestName: Int] = [:]
        var found: [Violation] = []
        for message in index.history.messages where message.topic == Topic.requests {
            let isDeadLetter = index.letters[message.place] != nil
            guard let id = message.id, let source = message.source else {
                if !isDeadLetter {
                    found.append(Violation(.end, "\(message.place)", "it names no request and was not dead-lettered"))
                }
                continue
            }
            let name = RequestName(source: source, id: id)
            guard !isDeadLetter else {
                givenUp[name, default: 0] += 1
                continue
            }
            let content = "\(message.type) \(message.key) \(message.text ?? "")"
            let isFirst = contents[name] == nil
            // A repetition is answered by the same end.
            guard !contents[name, default: []].contains(content) else { continue }
            contents[name, default: []].append(content)
            let fault =
                index.dryRuns.contains(name)
                ? ends.fault(ofDryRun: name) : ends.fault(of: name, givenUp: givenUp[name] ?? 0)
            if let says = isFirst ? fault : ends.refusal(of: name) {
                found.append(Violation(.end, "\(source) \(id) \(message.type)", says))
            }
        }
        return found
    }

    private static func open(_ index: HistoryIndex) -> [Violation] {
        index.history.database.commands
            .filter { !ResultData.terminal.contains($0.state) && $0.isPastDeadline }
            .map { Violation(.end, "command \($0.id)", "it is \($0.state), and its deadline has passed") }
    }

    /// No command is there without a request; one that was dead-lettered, and nothing else, asks for nothing.
    private static func unasked(_ index: HistoryIndex) -> [Violation] {
        index.history.database.commands.compactMap { command in
            let name = RequestName(source: command.source, id: command.request)
            guard index.asked[name] == nil else { return nil }
            return Violation(.end, "command \(command.id)", "nobody has asked for it: \(name.source) \(name.id)")
        }
    }

    /// A release that was published is a version, unless it is a dead letter.
    private static func versions(_ index: HistoryIndex) -> [Violation] {
        struct Release: Decodable {
            let artifact: String
            let version: String
        }
        return index.history.messages.compactMap { message in
            guard message.type == "slipway.release.published.v1", message.topic == Topic.releases,
                index.letters[message.place] == nil, let release = message.decoded(Release.self),
                !index.history.database.versions.contains("\(release.artifact) \(release.version)")
            else { return nil }
            return Violation(
                .end,
                "\(release.artifact) \(release.version)",
                "it was published, and no version of it is known"
            )
        }
    }
}
