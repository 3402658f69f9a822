import CPq

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Sending a command and waiting for its answer, without blocking inside libpq, so that a server that is stopped cannot hold the thread.
extension PostgresConnection {
    /// Sends a command and waits for the whole answer.
    ///
    /// - Parameters:
    ///   - beginsCopy: Whether the command is a COPY from the client, whose first answer is to be given back at once.
    ///   - send: Hands the command to libpq; 1 is success.
    /// - Returns: The last result.
    func exchange(
        beginsCopy: Bool = false,
        _ send: (OpaquePointer) -> CInt
    ) throws(PostgresError) -> ResultHandle {
        let handle = try liveHandle()
        if !pipeline.answers.isEmpty { try finishRound() }
        guard send(handle) == 1 else { throw failure(of: handle) }
        traffic.statements += 1
        traffic.waits += 1
        let deadline = Deadline(after: answerTimeout)
        try flush(handle, until: deadline)
        return try answer(of: handle, beginsCopy: beginsCopy, until: deadline)
    }

    /// Waits for the results of the command that was sent.
    private func answer(
        of handle: OpaquePointer,
        beginsCopy: Bool,
        until deadline: Deadline
    ) throws(PostgresError) -> ResultHandle {
        var last: ResultHandle?
        var error: PostgresError?
        while let result = try nextResult(of: handle, until: deadline) {
            switch result.status {
            case PGRES_COPY_IN where beginsCopy: return result
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                close()
                throw PostgresError(kind: .usage, message: "COPY works through copyIn only; the session was closed")
            case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE: error = error ?? PostgresError(result: result.pointer)
            default: last = result
            }
        }
        if let error { throw PQstatus(handle) == CONNECTION_BAD ? lost(error) : error }
        guard let last else { throw lostConnection(handle) }
        return last
    }

    /// Sends what libpq has buffered.
    func flush(_ handle: OpaquePointer, until deadline: Deadline) throws(PostgresError) {
        while PQflush(handle) == 1 {
            let events = try wait(handle, for: POLLIN | POLLOUT, until: deadline)
            // A server that does not read because it wants to be read first would wait for ever.
            if events & POLLIN != 0 { PQconsumeInput(handle) }
        }
    }

    /// The connection, if it is not lost.
    func liveHandle() throws(PostgresError) -> OpaquePointer {
        guard let handle, PQstatus(handle) == CONNECTION_OK else {
            throw PostgresError(kind: .connection, message: "there is no connection to the server")
        }
        return handle
    }

    /// The error of a connection that is lost, with the server's reason, or else libpq's first line.
    func lostConnection(_ handle: OpaquePointer) -> PostgresError {
        let message = PQerrorMessage(handle).map { String(cString: $0).firstLine } ?? ""
        return lost(PostgresError(kind: .connection, message: message.isEmpty ? "the connection is lost" : message))
    }

    /// An error with which the connection is lost.
    ///
    /// Where it says no more than that, it is the server's own reason to end the session, if it gave one before: that
    /// tells whether what was sent may be at fault.
    func lost(_ error: PostgresError) -> PostgresError {
        var lost = error.sqlState == nil ? notices.sessionEnd ?? error : error
        lost.kind = .connection
        return lost
    }

    /// The error of a command that libpq did not take.
    func failure(of handle: OpaquePointer) -> PostgresError {
        var error = lostConnection(handle)
        if PQstatus(handle) == CONNECTION_OK, notices.sessionEnd == nil { error.kind = .usage }
        return error
    }

    func nextResult(
        of handle: OpaquePointer,
        until deadline: Deadline
    ) throws(PostgresError) -> ResultHandle? {
        while PQisBusy(handle) == 1 {
            _ = try wait(handle, for: POLLIN, until: deadline)
            // After a failure PQgetResult returns libpq's own report of it.
            if PQconsumeInput(handle) == 0 { break }
        }
        guard let result = PQgetResult(handle).map(ResultHandle.init) else { return nil }
        if result.status == PGRES_FATAL_ERROR, PostgresError.isFatal(result.pointer) {
            notices.sessionEnd = PostgresError(result: result.pointer)
        }
        return result
    }

    private func wait(
        _ handle: OpaquePointer,
        for events: Int32,
        until deadline: Deadline
    ) throws(PostgresError) -> Int32 {
        let events = Socket.wait(PQsocket(handle), for: events, until: deadline)
        if events == 0 {
            close()
            throw PostgresError(kind: .connection, message: "the server did not answer in time; the session was closed")
        }
        return events
    }
}
