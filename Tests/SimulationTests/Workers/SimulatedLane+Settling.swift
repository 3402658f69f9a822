import Postgres

@testable import Domain
@testable import WorkerRuntime

/// One batch, one transaction: fence, what waits behind parked keys, inbox, handler, outbox, claims.
extension SimulatedLane {
    func perform(_ task: Task, at now: Int64) {
        switch task {
        case .settle(let held): settle(held, at: now)
        case .setAside(let held, let reason): setAside(held, reason, at: now)
        }
    }

    private func settle(_ group: [Held], at now: Int64) {
        let messages = group.filter(isHeld)
        guard !messages.isEmpty else { return failures = FailureCount() }
        do {
            let spans = try database.transaction(at: now) { try transact(messages, at: now) }
            failures = FailureCount()
            finish(spans)
        } catch {
            failures.note(error)
            heal(messages, after: error)
        }
    }

    private func isHeld(_ held: Held) -> Bool {
        guard let claim = claims[held.partition], claim.epoch == held.epoch else { return false }
        return held.message.offset >= claim.nextOffset
    }

    private func heal(_ messages: [Held], after error: any Error) {
        switch Remedy.of(error, failures: failures) {
        case .claimAgain:
            failures = FailureCount()
            reclaim(Set(messages.map(\.partition)))
        case .tryAgain(let afterRecovery):
            tasks.append(.settle(messages))
            isRecovering = afterRecovery
        case .isolate(let reason):
            failures = FailureCount()
            if messages.count == 1 { return tasks.append(.setAside(messages[0], reason)) }
            let middle = messages.count / 2
            tasks += [.settle(Array(messages[middle...])), .settle(Array(messages[..<middle]))]
        case .waitForRoom, .end:
            preconditionFailure("nobody throws this here: \(error)")
        }
    }

    /// Parks a message that failed alone.
    private func setAside(_ held: Held, _ reason: Reason, at now: Int64) {
        guard isHeld(held) else { return }
        do {
            let spans = try database.transaction(at: now) {
                var spans = [Place.span(of: held, claims)]
                try fence(spans)
                let name = ParkedName(topic: topic, key: held.message.key)
                precondition(database.parked[name] == nil, "it would have been put behind the parked one")
                database.parked[name] = ParkedRow(
                    partition: held.partition,
                    due: now + policy.delayMilliseconds(attempt: 1) * 1000,
                    attempt: 1,
                    reason: reason,
                    parkedAt: now,
                    messages: [held.message]
                )
                spans[0].tally.countParked()
                advance(spans)
                return spans
            }
            finish(spans)
        } catch {
            if case .fenced = Failure.classify(error) { return reclaim([held.partition]) }
            tasks.append(.setAside(held, reason))
            isRecovering = true
        }
    }

    /// The part of a batch in one partition.
    struct Place {
        let partition: Int
        let epoch: Int64
        let from: Int64
        var to: Int64
        var lastTime: Int64
        var tally = Tally()

        static func span(of held: Held, _ claims: [Int: PartitionClaim]) -> Place {
            Place(
                partition: held.partition,
                epoch: held.epoch,
                from: claims[held.partition]?.nextOffset ?? -1,
                to: held.message.offset + 1,
                lastTime: held.message.time
            )
        }
    }

    func transact(_ messages: [Held], at now: Int64) throws -> [Place] {
        var spans: [Int: Place] = [:]
        for held in messages {
            spans[held.partition, default: .span(of: held, claims)].to = held.message.offset + 1
            spans[held.partition]?.lastTime = held.message.time
        }
        try fence(Array(spans.values))
        var sorted = Sorted()
        for held in messages { sort(held, into: &sorted, at: now) }
        admit(sorted.keyed)
        let batch = SimulatedBatch(sorted.entries, now: now)
        try handler.handle(batch)
        for held in sorted.parked { spans[held.partition]?.tally.countParked() }
        for (held, reason) in sorted.unreadable {
            spans[held.partition]?.tally.count(.deadLettered(reason))
            batch.publish(letter(held.message, reason))
        }
        for entry in sorted.entries { spans[entry.message.partition]?.tally.count(entry.outcome) }
        for (entry, answer) in sorted.refused {
            var outcome = Outcome.rejected(.queueFull)
            switch entry.admission {
            case .repeated: outcome = .repeated
            case .idReused:
                if let other = handler.setAside(entry.message, because: .idReused, now: now) { batch.publish(other) }
            case .first, .tooOld: batch.publish(answer)
            }
            spans[entry.message.partition]?.tally.count(outcome)
        }
        keepAnswers(sorted.keyed)
        for message in batch.outbox { database.outbox.append(message) }
        advance(Array(spans.values))
        return Array(spans.values)
    }

    /// What becomes of a batch's messages before the handler sees them.
    private struct Sorted {
        var entries: [SimulatedEntry] = []
        var keyed: [(SimulatedEntry, InboxKey)] = []
        var unreadable: [(Held, Reason)] = []
        var parked: [Held] = []
        var refused: [(SimulatedEntry, OutboxRecord)] = []
    }

    /// A message whose key is parked waits behind it, or is refused where too many wait.
    private func sort(_ held: Held, into sorted: inout Sorted, at now: Int64) {
        if let refusal = held.refusal { return sorted.unreadable.append((held, refusal)) }
        let entry = SimulatedEntry(held.message)
        let name = ParkedName(topic: topic, key: held.message.key)
        if var queue = database.parked[name] {
            let isFull = policy.isFull(messages: queue.messages.count, bytes: 0, adding: 0)
            guard isFull, let answer = handler.setAside(held.message, because: .queueFull, now: now) else {
                queue.messages.append(held.message)
                database.parked[name] = queue
                return sorted.parked.append(held)
            }
            entry.answer = answer
            sorted.refused.append((entry, answer))
        } else {
            sorted.entries.append(entry)
        }
        if let key = held.inboxKey { sorted.keyed.append((entry, key)) }
    }

    /// The first step of every transaction: this lane holds each partition where it stands, or nothing happens.
    func fence(_ spans: [Place]) throws {
        guard mutant != .fenceUnchecked else { return }
        for span in spans {
            let row = database.claims[ClaimName(topic: topic, partition: span.partition)]
            let stands = row?.nextOffset == span.from || mutant == .offsetsFirst
            if row?.epoch != span.epoch || !stands {
                throw PostgresError(kind: .server, message: "fenced", sqlState: PostgresSQLState(rawValue: "SW001"))
            }
        }
    }

    /// Marks each entry with what the inbox says of it.
    func admit(_ keyed: [(SimulatedEntry, InboxKey)]) {
        guard mutant != .inboxForgets else { return }
        for (entry, key) in keyed {
            if let known = database.inbox[key.requestID] {
                entry.admission = known.digest == key.digest ? .repeated(answer: nil) : .idReused
            } else {
                database.inbox[key.requestID] = InboxRow(digest: key.digest)
            }
        }
    }

    func keepAnswers(_ keyed: [(SimulatedEntry, InboxKey)]) {
        for (entry, key) in keyed {
            guard let answer = entry.answer, case .first = entry.admission else { continue }
            database.inbox[key.requestID]?.answer = answer
        }
    }

    private func advance(_ spans: [Place]) {
        for span in spans {
            let name = ClaimName(topic: topic, partition: span.partition)
            guard var row = database.claims[name] else { continue }
            row.nextOffset = max(span.to, mutant == .offsetsFirst ? row.nextOffset : 0)
            row.consumedUntil = max(row.consumedUntil ?? 0, span.lastTime)
            row.tally.add(span.tally)
            database.claims[name] = row
        }
    }

    private func finish(_ spans: [Place]) {
        for span in spans {
            claims[span.partition]?.nextOffset = span.to
            unstored[span.partition] = span.to
        }
    }

    func letter(_ message: Message, _ reason: Reason) -> OutboxRecord {
        DeadLetter(message.view, reason: reason, group: "group").record
    }
}
