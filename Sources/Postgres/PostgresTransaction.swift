import CPq
import Logging

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// How much a transaction sees of others.
public enum PostgresIsolation: String, Sendable {
    /// Each statement sees what was committed before it began.
    case readCommitted = "read committed"
    /// All statements see what was committed before the first of them.
    case repeatableRead = "repeatable read"
    /// The outcome is as if transactions ran one after the other; some fail with 40001 and must be repeated.
    case serializable
}

/// An open transaction, lent to a closure.
///
/// It cannot be kept after its end.
public struct PostgresTransaction: ~Copyable {
    let connection: PostgresConnection
    private let depth: Int

    fileprivate init(_ connection: PostgresConnection, depth: Int = 0) {
        self.connection = connection
        self.depth = depth
    }

    /// Runs one statement with bound parameters and returns its rows; see ``PostgresConnection/query(_:_:)``.
    @discardableResult
    public func query(_ sql: String, _ values: [PostgresValue] = []) throws(PostgresError) -> PostgresResult {
        try connection.query(sql, values)
    }

    /// Sends a statement with the next one that waits, which saves a round trip.
    ///
    /// It runs in its place among the others. An error of it is thrown by the next call that waits, at the latest by
    /// the commit, which then does not happen. Submit few or small statements between two that wait.
    /// - Returns: What ``result(of:)`` takes to give the rows, where they are wanted.
    @discardableResult
    public func submit(_ sql: String, _ values: [PostgresValue] = []) throws(PostgresError) -> PostgresSubmission {
        try connection.submit(sql, values)
    }

    /// The rows of a submitted statement, once; waits for all that was submitted.
    public func result(of submission: PostgresSubmission) throws(PostgresError) -> PostgresResult {
        try connection.result(of: submission)
    }

    /// Runs one or several statements without parameters and drops their rows.
    public func script(_ sql: String) throws(PostgresError) {
        try connection.script(sql)
    }

    /// Writes rows by binary COPY; see ``PostgresConnection/copyIn(into:columns:rows:)``.
    @discardableResult
    public func copyIn(
        into table: String,
        columns: [String],
        rows: (inout PostgresCopyWriter) throws -> Void
    ) throws -> Int {
        try connection.copyIn(into: table, columns: columns, rows: rows)
    }

    /// Runs a part of the transaction that can fail alone.
    ///
    /// If `body` throws, what it did is rolled back and its error is thrown on; the transaction itself stays usable.
    public func savepoint<R>(_ body: (borrowing PostgresTransaction) throws -> R) throws -> R {
        let name = "savepoint_\(depth + 1)"
        try connection.script("savepoint \(name)")
        // Without the way back nothing of the transaction may be committed.
        let result = try connection.run(undo: "rollback to savepoint \(name); release savepoint \(name)") {
            let inner = PostgresTransaction(connection, depth: depth + 1)
            let result = try body(inner)
            if !connection.pipeline.answers.isEmpty { try connection.finishRound() }
            return result
        }
        try connection.script("release savepoint \(name)")
        return result
    }
}

extension PostgresConnection {
    /// Runs `body` between BEGIN and COMMIT, which travel with its first and its last submitted statements.
    ///
    /// If `body` throws, the transaction is rolled back and the error is thrown on as it is.
    ///
    /// - Throws: ``PostgresError`` with ``PostgresError/isCommitUnknown`` if COMMIT was sent and the connection was lost
    ///   before its answer came. A connection found lost before COMMIT was sent is of the kind `connection`: then
    ///   nothing was committed.
    public func transaction<R>(
        _ isolation: PostgresIsolation = .readCommitted,
        _ body: (borrowing PostgresTransaction) throws -> R
    ) throws -> R {
        try begin(isolation)
        defer {
            hasBegun = false
            pipeline.results.removeAll()
        }
        let result = try run(undo: "rollback") {
            // Named, because inlining a borrow of an unnamed noncopyable value crashes the optimizer of Swift 6.3.1.
            let transaction = PostgresTransaction(self)
            return try body(transaction)
        }
        try commit()
        return result
    }

    /// Runs `body` and, if it throws, `undo`.
    fileprivate func run<R>(undo: String, _ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch {
            rollBack(undo)
            throw error
        }
    }

    /// Goes back, and closes the session if that fails, so that nothing of it can be committed.
    fileprivate func rollBack(_ sql: String) {
        guard isUsable else { return }
        do {
            try drainPipeline()
            try script(sql)
        } catch {
            logger?.debug("rollback failed, closing the session", metadata: ["error": "\(error)"])
            close()
        }
    }

    private func begin(_ isolation: PostgresIsolation) throws(PostgresError) {
        if isInTransaction {
            throw PostgresError(kind: .usage, message: "a transaction is open already; use a savepoint")
        }
        // It travels with the first statement.
        _ = try submitOnce("begin isolation level \(isolation.rawValue)")
        hasBegun = true
    }

    private func commit() throws(PostgresError) {
        try confirmConnection()
        do throws(PostgresError) {
            let result = try result(of: submitOnce("commit"))
            guard result.handle.commandTag == "COMMIT" else {
                throw PostgresError(
                    kind: .server,
                    message: "the transaction had failed before and was rolled back instead of committed",
                    sqlState: .inFailedTransaction
                )
            }
        } catch {
            var error = error
            if error.kind == .connection { error.kind = .commitUnknown }
            // A statement that travelled with COMMIT has failed.
            if isInTransaction { rollBack("rollback") }
            throw error
        }
    }

    /// Reads what the server sent unasked, to learn before COMMIT that the session is over.
    private func confirmConnection() throws(PostgresError) {
        let handle = try liveHandle()
        while Socket.wait(PQsocket(handle), for: POLLIN, until: Deadline(after: .zero)) != 0 {
            if PQconsumeInput(handle) == 0 { throw lostConnection(handle) }
            // Lets libpq take notices and notifications out of its buffer.
            _ = PQisBusy(handle)
            guard notices.sessionEnd == nil else {
                let error = lostConnection(handle)
                close()
                throw error
            }
        }
    }
}
