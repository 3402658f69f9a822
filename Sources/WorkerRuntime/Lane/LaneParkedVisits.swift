import CoreMetrics
import Logging
import Postgres

/// Which parked keys a lane tries when: none keeps the others waiting, nor the batches.
extension Lane {
    /// Tries the keys that are due, each under the fence of its partition, and no longer than the group can wait.
    func retryParked() throws {
        guard handler.parksFailures, !claims.isEmpty, ContinuousClock.now >= nextParkedVisit else { return }
        let began = ContinuousClock.now
        let end = began + .milliseconds(500)
        nextParkedVisit = began + .milliseconds(200)
        do {
            for due in try parkedQueue.due(in: claims.keys.sorted(), on: connection) {
                guard !stop.isRequested else { return }
                switch try visit(due, until: end) {
                case .done: continue
                case .outOfTime: return nextParkedVisit = .now
                case .putOff:
                    let now = ContinuousClock.now
                    guard now >= end else { continue }
                    // Those that wait for a lock, one after the other, leave batches as much time as they take.
                    return nextParkedVisit = now + min(now - began, ParkedRemedy.restingTime)
                }
            }
        } catch {
            switch Failure.classify(error) {
            case .fenced: try reclaim(claims.keys.sorted())
            default: try recover(from: error)
            }
            takeBackBegun()
        }
    }

    /// This lane lives, or ends in good order: what it has begun with did not end it.
    func takeBackBegun() {
        guard !begunKeys.isEmpty, (try? parkedQueue.takeBack(Array(begunKeys.keys), on: connection)) != nil else {
            return
        }
        begunKeys = [:]
    }

    /// Tries the messages of a key, one after the other.
    ///
    /// That a lane begins is written down first, once in its life, until the head is finished or put off: a key with which
    /// lane after lane has ended is tried alone, and in the end its head is given up without being looked at.
    private func visit(_ due: ParkedQueue.DueKey, until end: ContinuousClock.Instant) throws -> KeyVisit {
        // While the database was waited for, the partition may have gone to another lane.
        guard claims[due.partition] != nil,
            let lives = try begunKeys[due.key] ?? parkedQueue.begin(due.key, on: connection)
        else { return .done }
        begunKeys[due.key] = lives
        let isCulprit = lives > ParkedQueue.livesOfACulprit
        do {
            if isCulprit {
                try giveUpUnseen(due)
                return .done
            }
            return lives > 1 ? try inSuspectsTurn { try drain(due, until: end) } : try drain(due, until: end)
        } catch {
            try putOff(due, after: error, isCulprit: isCulprit)
            return .putOff
        }
    }

    private func drain(_ due: ParkedQueue.DueKey, until end: ContinuousClock.Instant) throws -> KeyVisit {
        while !stop.isRequested, claims[due.partition] != nil {
            pulse.beat()
            let outcome = try retryHead(of: due)
            // What was not tried may be what the lane ends with yet.
            if outcome != .untried { begunKeys[due.key] = nil }
            guard outcome == .settled else { return .done }
            if ContinuousClock.now >= end { return .outOfTime }
        }
        return .done
    }

    /// Has a key wait whose try failed for something else than its message alone, so that the others go on.
    ///
    /// A lost connection is made anew first. That a lane has begun is taken back, since it lives.
    private func putOff(_ due: ParkedQueue.DueKey, after error: any Error, isCulprit: Bool) throws {
        let remedy = ParkedRemedy.of(error)
        guard remedy != .leave else { throw error }
        metrics.transientFailures.increment()
        logger.warning("a parked message is tried again later: \(error)", metadata: place(due))
        if case .transient(isConnectionLost: true) = Failure.classify(error) { try recover(from: error) }
        guard claims[due.partition] != nil else { return takeBackBegun() }
        switch remedy {
        case .count(let cause, let reason) where !isCulprit:
            guard let head = try look(at: due) else { return }
            guard try giveUpOrPostpone(due, head, cause, reason: reason) != .untried else { return }
        case .count(_, let reason), .rest(let reason):
            let wait = jittered(ParkedRemedy.restingTime.milliseconds)
            guard try parkedQueue.rest(due.key, reason: reason, milliseconds: wait, on: connection) else { return }
        case .leave: return
        }
        begunKeys[due.key] = nil
    }
}

/// What became of a visit to a key.
private enum KeyVisit {
    /// All was tried that may be tried now.
    case done
    /// There was no time for all of it.
    case outOfTime
    /// A try failed, and the key waits.
    case putOff
}
