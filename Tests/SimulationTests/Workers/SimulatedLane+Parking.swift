@testable import WorkerRuntime

/// Parked keys: the head is tried when it is due, the rest waits behind it.
extension SimulatedLane {
    /// Handles the head message of a key; returns whether the next one may be tried at once.
    func retryHead(of name: ParkedName, at now: Int64) throws -> Bool {
        do {
            return try database.transaction(at: now) {
                guard let queue = database.parked[name], queue.due <= now, let head = queue.messages.first else {
                    return false
                }
                try fence([standing(queue.partition)])
                let outcome = try handle(head, at: now)
                release(name, outcome, at: now)
                return true
            }
        } catch {
            let remedy = ParkedRemedy.of(error)
            guard remedy != .leave else { throw error }
            guard case .transient(isConnectionLost: true) = Failure.classify(error) else {
                return try putOff(name, remedy, at: now)
            }
            // First the database is waited for.
            failedTry = (name, remedy)
            throw error
        }
    }

    /// Puts a key off whose try failed before the database was away.
    func putOffFailedTry(at now: Int64) throws {
        guard let (name, remedy) = failedTry else { return }
        failedTry = nil
        guard let queue = database.parked[name], claims[queue.partition] != nil else { return }
        _ = try putOff(name, remedy, at: now)
    }

    /// Has a key wait whose try failed; returns whether the next message may be tried at once.
    private func putOff(_ name: ParkedName, _ remedy: ParkedRemedy, at now: Int64) throws -> Bool {
        switch remedy {
        case .count(let cause, let reason): return try giveUpOrPostpone(name, cause, reason, at: now)
        case .leave: return false
        case .rest(let reason):
            return try database.transaction(at: now) {
                guard var queue = database.parked[name], queue.due <= now else { return false }
                (queue.due, queue.reason) = (now + ParkedRemedy.restingTime.milliseconds * 1000, reason)
                database.parked[name] = queue
                return false
            }
        }
    }

    private func handle(_ message: Message, at now: Int64) throws -> Outcome {
        let entry = SimulatedEntry(message)
        let keyed = handler.inboxKey(of: message).map { [(entry, $0)] } ?? []
        admit(keyed)
        let batch = SimulatedBatch([entry], now: now)
        try handler.handle(batch)
        keepAnswers(keyed)
        if case .deadLettered(let reason) = entry.outcome { batch.publish(letter(message, reason)) }
        for message in batch.outbox { database.outbox.append(message) }
        return entry.outcome
    }

    private func giveUpOrPostpone(
        _ name: ParkedName,
        _ cause: FailedTry,
        _ reason: Reason,
        at now: Int64
    ) throws -> Bool {
        let tries: WritableKeyPath<ParkedRow, Int> = cause == .ofMessage ? \.attempt : \.failures
        return try database.transaction(at: now) {
            guard var queue = database.parked[name], queue.due <= now, let head = queue.messages.first else {
                return false
            }
            try fence([standing(queue.partition)])
            if let delay = policy.nextDelayMilliseconds(attempts: queue[keyPath: tries]) {
                queue[keyPath: tries] += 1
                queue.due = now + delay * 1000
                queue.reason = reason
                database.parked[name] = queue
                return false
            }
            let batch = SimulatedBatch([], now: now)
            batch.publish(letter(head, reason))
            if let answer = handler.setAside(head, because: reason, now: now) { batch.publish(answer) }
            for message in batch.outbox { database.outbox.append(message) }
            release(name, .deadLettered(reason), at: now)
            return true
        }
    }

    private func release(_ name: ParkedName, _ outcome: Outcome, at now: Int64) {
        guard var queue = database.parked[name] else { return }
        let head = queue.messages.removeFirst()
        (queue.attempt, queue.failures, queue.due) = (0, 0, now)
        queue.partition = queue.messages.first?.partition ?? queue.partition
        database.parked[name] = queue.messages.isEmpty ? nil : queue
        database.claims[ClaimName(topic: topic, partition: head.partition)]?.released.count(outcome)
    }

    private func standing(_ partition: Int) -> Place {
        let claim = claims[partition]
        return Place(
            partition: partition,
            epoch: claim?.epoch ?? -1,
            from: claim?.nextOffset ?? -1,
            to: claim?.nextOffset ?? -1,
            lastTime: 0
        )
    }
}
