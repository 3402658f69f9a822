/// I5: no group is further than what it has handled, and in the end each has handled all that there is.
enum OffsetRule {
    /// How many samples must tell of an offset that was committed: where it could not be read, nothing is compared.
    static let neededSamples = 10

    static func violations(_ index: HistoryIndex) -> [Violation] {
        committed(index) + unread(index) + claims(index) + unclaimed(index)
    }

    private static func committed(_ index: HistoryIndex) -> [Violation] {
        index.history.samples.flatMap { sample in
            sample.committed.compactMap { name, offset in
                guard let claimed = sample.claimed[name], offset > claimed else { return nil }
                return Violation(.offsets, name, "\(offset) was committed when \(claimed) was reached")
            }
        }
    }

    /// Too few samples of a run that was sampled can be compared.
    private static func unread(_ index: HistoryIndex) -> [Violation] {
        let samples = index.history.samples
        // Below 0 says that nothing was committed, or that the group is another one than was asked about.
        let telling = samples.count { sample in
            sample.committed.contains { name, offset in offset >= 0 && sample.claimed[name] != nil }
        }
        guard !samples.isEmpty, telling < neededSamples else { return [] }
        let says = "\(telling) of \(samples.count) tell what was committed; at least \(neededSamples) should"
        return [Violation(.offsets, "the samples", says)]
    }

    /// A partition that the group gave to somebody who never began to read it.
    private static func unclaimed(_ index: HistoryIndex) -> [Violation] {
        let claimed = Set(index.history.database.claims.map { "\($0.name.topic)-\($0.name.partition)" })
        var waiting: [String: Int] = [:]
        for message in index.history.messages where Topic.inputs.contains(message.topic) {
            waiting["\(message.topic)-\(message.partition)", default: 0] += 1
        }
        return waiting.filter { !claimed.contains($0.key) }.map {
            Violation(.offsets, $0.key, "nobody has begun to read its \($0.value) messages")
        }
    }

    private static func claims(_ index: HistoryIndex) -> [Violation] {
        var offsets: [String: [Int64]] = [:]
        for message in index.history.messages {
            offsets["\(message.topic)-\(message.partition)", default: []].append(message.offset)
        }
        var found: [Violation] = []
        for claim in index.history.database.claims {
            guard claim.incarnation == 1 else {
                found.append(
                    Violation(.offsets, claim.name.description, "it took the topic for one that was made anew")
                )
                continue
            }
            let known = offsets["\(claim.name.topic)-\(claim.name.partition)"] ?? []
            let end = (known.max() ?? -1) + 1
            if claim.nextOffset != end {
                found.append(
                    Violation(
                        .offsets,
                        claim.name.description,
                        "it is at \(claim.nextOffset), and the partition ends at \(end)"
                    )
                )
            }
            let passed = Int64(known.count { $0 < claim.nextOffset })
            if passed != claim.consumed + claim.lost {
                found.append(
                    Violation(
                        .offsets,
                        claim.name.description,
                        "it has passed \(passed) messages and consumed \(claim.consumed)"
                    )
                )
            }
        }
        return found
    }
}
