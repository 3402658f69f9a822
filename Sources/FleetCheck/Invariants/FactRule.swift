/// I4: what is known of a cluster, and every counter, only rises.
enum FactRule {
    static func violations(_ index: HistoryIndex) -> [Violation] {
        samples(index) + generations(index)
    }

    private static func samples(_ index: HistoryIndex) -> [Violation] {
        var known: [String: Int64] = [:]
        var found: [Violation] = []
        for sample in index.history.samples {
            for (name, number) in sample.rising {
                if let before = known[name], number < before {
                    found.append(Violation(.facts, name, "it went from \(before) back to \(number)"))
                }
                known[name] = number
            }
        }
        return found
    }

    /// The generation of an object of one uid, in the order in which its states were published.
    private static func generations(_ index: HistoryIndex) -> [Violation] {
        struct Status: Decodable {
            let uid: String
            let generation: Int64
        }
        var seen: Set<String> = []
        var known: [String: Status] = [:]
        var found: [Violation] = []
        for message in index.history.messages where message.topic == "resource.status" {
            guard seen.insert(message.id ?? "").inserted, let status = message.decoded(Status.self) else { continue }
            if let before = known[message.key], before.uid == status.uid, status.generation < before.generation {
                found.append(
                    Violation(
                        .facts,
                        message.key,
                        "its generation went from \(before.generation) back to \(status.generation)"
                    )
                )
            }
            known[message.key] = status
        }
        return found
    }
}
