import CPq
import Logging

/// A statement that was submitted and whose rows can be asked for.
public struct PostgresSubmission: Sendable {
    let number: Int
}

/// What the server still owes: submitted statements travel together and are answered together.
struct Pipeline {
    /// One answer that is still to come, in the order of sending.
    enum Answer {
        /// Of a statement; its rows are kept if somebody may ask for them.
        case statement(number: Int, name: String, sql: String)
        /// Of a statement whose outcome nobody waits for.
        case unheeded
        /// Of the end of a round.
        case sync
    }

    /// What is still to come.
    var answers: [Answer] = []
    /// The results of submitted statements, by their numbers.
    var results: [Int: ResultHandle] = [:]
    /// How many statements were submitted.
    var submitted = 0

    /// Whether something was sent without the end of a round.
    var isOpen: Bool {
        guard let last = answers.last else { return false }
        if case .sync = last { return false }
        return true
    }
}

extension PostgresConnection {
    /// Sends a statement with the next one that waits, and does not wait itself.
    ///
    /// An error of it is thrown by whatever waits next.
    func submit(_ sql: String, _ values: [PostgresValue]) throws(PostgresError) -> PostgresSubmission {
        try parameters.encode(values)
        return try submitPrepared(try statement(sql), sql)
    }

    /// Sends a prepared statement with the parameters that were encoded.
    func submitPrepared(_ name: String, _ sql: String) throws(PostgresError) -> PostgresSubmission {
        let handle = try enterPipeline()
        try sendPrepared(name, to: handle)
        return owe(sql: sql, name: name)
    }

    /// Submits a statement without parameters that is not worth preparing.
    func submitOnce(_ sql: String) throws(PostgresError) -> PostgresSubmission {
        let handle = try enterPipeline()
        guard PQsendQueryParams(handle, sql, 0, nil, nil, nil, nil, 1) == 1 else { throw refused(by: handle) }
        return owe(sql: sql, name: "")
    }

    /// Sends a statement on its own, after all that was submitted, without waiting for it; what becomes of it is not told.
    func sendUnheeded(_ sql: String, _ values: [PostgresValue]) throws(PostgresError) {
        try parameters.encode(values)
        let name = try statement(sql)
        let handle = try enterPipeline()
        try endRound(handle)
        try sendPrepared(name, to: handle)
        pipeline.answers.append(.unheeded)
        traffic.statements += 1
        try endRound(handle)
        try flush(handle, until: Deadline(after: answerTimeout))
    }

    /// The rows of a submitted statement; waits for all that was submitted.
    func result(of submission: PostgresSubmission) throws(PostgresError) -> PostgresResult {
        if !pipeline.answers.isEmpty { try finishRound() }
        guard let result = pipeline.results.removeValue(forKey: submission.number) else {
            throw PostgresError(kind: .usage, message: "the rows of this statement were taken or given up")
        }
        return PostgresResult(handle: result)
    }

    /// Ends the round and waits for every answer; throws the first error.
    func finishRound() throws(PostgresError) {
        let handle = try liveHandle()
        try endRound(handle)
        traffic.waits += 1
        let deadline = Deadline(after: answerTimeout)
        try flush(handle, until: deadline)
        var first: PostgresError?
        while !pipeline.answers.isEmpty {
            let answer = pipeline.answers.removeFirst()
            do throws(PostgresError) {
                try take(answer, of: handle, until: deadline)
            } catch {
                guard error.kind == .server else { throw error }
                first = first ?? error
            }
        }
        guard PQexitPipelineMode(handle) == 1 else { throw lostConnection(handle) }
        if let first {
            pipeline.results.removeAll()
            throw first
        }
    }

    /// Waits for what is owed and gives up what was submitted; throws only if the connection is lost.
    func drainPipeline() throws(PostgresError) {
        pipeline.results.removeAll()
        guard !pipeline.answers.isEmpty else { return }
        do throws(PostgresError) {
            try finishRound()
        } catch {
            guard error.kind == .server else { throw error }
        }
        pipeline.results.removeAll()
    }

    // MARK: Steps

    private func enterPipeline() throws(PostgresError) -> OpaquePointer {
        let handle = try liveHandle()
        if PQpipelineStatus(handle) == PQ_PIPELINE_OFF, PQenterPipelineMode(handle) == 0 {
            throw lostConnection(handle)
        }
        return handle
    }

    private func sendPrepared(_ name: String, to handle: OpaquePointer) throws(PostgresError) {
        let sent = parameters.withPointers { count, values, lengths, formats in
            PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1)
        }
        guard sent == 1 else { throw refused(by: handle) }
    }

    private func owe(sql: String, name: String) -> PostgresSubmission {
        pipeline.submitted += 1
        traffic.statements += 1
        pipeline.answers.append(.statement(number: pipeline.submitted, name: name, sql: sql))
        return PostgresSubmission(number: pipeline.submitted)
    }

    /// Nobody can tell what of the round was sent, so the session ends.
    private func refused(by handle: OpaquePointer) -> PostgresError {
        let error = failure(of: handle)
        close()
        return error
    }

    private func endRound(_ handle: OpaquePointer) throws(PostgresError) {
        guard pipeline.isOpen else { return }
        guard PQpipelineSync(handle) == 1 else { throw failure(of: handle) }
        pipeline.answers.append(.sync)
    }

    private func take(
        _ answer: Pipeline.Answer,
        of handle: OpaquePointer,
        until deadline: Deadline
    ) throws(PostgresError) {
        switch answer {
        case .sync:
            guard let result = try nextResult(of: handle, until: deadline), result.status == PGRES_PIPELINE_SYNC else {
                throw lostConnection(handle)
            }
        case .unheeded:
            do throws(PostgresError) {
                _ = try results(of: handle, until: deadline)
            } catch {
                guard error.kind == .server else { throw error }
                logger?.debug("a statement that nobody waited for failed", metadata: ["error": "\(error)"])
            }
        case .statement(let number, let name, let sql):
            do throws(PostgresError) {
                if let result = try results(of: handle, until: deadline) { pipeline.results[number] = result }
            } catch {
                if error.isStaleStatement { statements.remove(name, for: sql) }
                throw error
            }
        }
    }

    /// The result of one statement; `nil` if it was not run because one before it failed.
    private func results(of handle: OpaquePointer, until deadline: Deadline) throws(PostgresError) -> ResultHandle? {
        var last: ResultHandle?
        var error: PostgresError?
        var isSkipped = false
        while let result = try nextResult(of: handle, until: deadline) {
            switch result.status {
            case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE: error = error ?? PostgresError(result: result.pointer)
            case PGRES_PIPELINE_ABORTED: isSkipped = true
            default: last = result
            }
        }
        if let error { throw PQstatus(handle) == CONNECTION_BAD ? lost(error) : error }
        guard last != nil || isSkipped else { throw lostConnection(handle) }
        return last
    }
}
