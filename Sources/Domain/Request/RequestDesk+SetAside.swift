import WorkerRuntime

/// Requests that nobody decides are answered all the same.
extension RequestDesk {
    /// Publishes a rejection; one for a full queue is kept, so that a repeat gets the same answer.
    ///
    /// One for a dead letter is not: an operator may send that in again.
    func setAside(_ entry: Entry<RequestInput>, because why: SetAside, outbox: OutboxBuffer, now: Int64) -> Bool {
        let reason = Self.reason(why, entry)
        outbox.append(CommandResult.rejection(of: entry.input.identity, reason, now: now))
        if why == .queueFull { entry.answer = Answer(reason: reason, time: now).encoded }
        return true
    }

    /// Why a request was set aside, as its sender is told.
    static func reason(_ why: SetAside, _ entry: Entry<RequestInput>) -> Reason {
        if case .idReused = entry.admission { return .idReused }
        // What is wrong with the request itself is of more use to its sender.
        if case .failure(let reason) = entry.input.body { return reason }
        switch why {
        case .queueFull:
            return Reason(
                code: "queue_full",
                sentence: "Too many requests wait behind a failed one of the key "
                    + "'\(entry.input.identity.key.prefix(120))'; send this one again later, under a new id."
            )
        case .deadLettered:
            return Reason(
                code: "internal_error",
                sentence: "Slipway could not handle the request. It is kept in '\(entry.message.topic).dlt' as the "
                    + "message of partition \(entry.message.partition) and offset \(entry.message.offset); "
                    + "ask whoever operates Slipway."
            )
        }
    }
}

extension Reason {
    /// The first request of an id stays; another one is not taken for it.
    static let idReused = Reason(
        code: "id_reused",
        sentence: "Another request had the same source and id; each request needs an id of its own.",
        field: "ce_id"
    )

    /// Nobody knows any more whether it was done.
    static let tooOld = Reason(
        code: "too_old",
        sentence: "The request is older than Slipway remembers requests, so it may have been done; send it anew."
    )
}
