import CPq
import Logging

/// One session with the database.
///
/// It belongs to one thread, and every call blocks that thread until the server has answered: keep it off the
/// cooperative pool. A lost connection stays lost until ``reconnect()``; no call reconnects by itself, because the
/// caller must first decide what became of its transaction. libpq keeps SIGPIPE away from the process itself.
public final class PostgresConnection {
    let configuration: PostgresConfiguration
    let logger: Logger?
    var handle: OpaquePointer?
    var statements = StatementCache(capacity: 256)
    var parameters = ParameterBuffer()
    var pipeline = Pipeline()
    /// Whether BEGIN was sent for a transaction that is not over.
    var hasBegun = false
    var answerTimeout: Duration?
    /// The channels to listen on again after a reconnect.
    var channels: [String] = []
    let notices: NoticeLog
    /// What was sent and waited for, through reconnects, too.
    package internal(set) var traffic = PostgresTraffic()

    /// Connects.
    ///
    /// - Throws: ``PostgresError`` of the kind `connection`, or `usage` if the URL cannot be read.
    public init(_ configuration: PostgresConfiguration, logger: Logger? = nil) throws(PostgresError) {
        self.configuration = configuration
        self.logger = logger
        notices = NoticeLog(logger: logger)
        answerTimeout = configuration.effectiveAnswerTimeout
        try connect()
    }

    deinit {
        close()
    }

    /// The server process of the session; 0 without a connection.
    public var backendPID: Int32 { handle.map { PQbackendPID($0) } ?? 0 }

    /// The server's version as a number, such as 150004 for 15.4; 0 without a connection.
    public var serverVersion: Int { handle.map { Int(PQserverVersion($0)) } ?? 0 }

    /// Whether the connection was alive when it was last used.
    public var isUsable: Bool { handle.map { PQstatus($0) == CONNECTION_OK } ?? false }

    /// Whether a transaction is open, failed or not.
    public var isInTransaction: Bool {
        guard let handle, isUsable else { return false }
        // While answers are owed, libpq does not know.
        guard pipeline.answers.isEmpty else { return hasBegun }
        return PQtransactionStatus(handle) != PQTRANS_IDLE
    }

    /// Closes the session, if there is one, and makes a new one that listens on the same channels.
    ///
    /// One try; ``PostgresBackoff`` says how long to wait before the next. Notifications sent meanwhile are lost.
    public func reconnect() throws(PostgresError) {
        close()
        try connect()
        for channel in channels {
            try script("listen \(PostgresIdentifier.quote(channel))")
        }
    }

    /// Ends the session; an open transaction is rolled back by the server.
    public func close() {
        guard let handle else { return }
        self.handle = nil
        statements.removeAll()
        pipeline = Pipeline()
        hasBegun = false
        PQfinish(handle)
    }

    /// Runs one statement with bound parameters and returns its rows.
    ///
    /// The statement is prepared once for each text and parameter types, and kept by the session. Parameters and columns
    /// travel in binary form; a column without one (such as `aclitem`) must be cast to text.
    ///
    /// - Throws: ``PostgresError``; of the kind `usage` if a text holds a zero byte, before anything is sent.
    @discardableResult
    public func query(_ sql: String, _ values: [PostgresValue] = []) throws(PostgresError) -> PostgresResult {
        try parameters.encode(values)
        do throws(PostgresError) {
            return try execute(sql)
        } catch {
            // The server has dropped the plan, as after a change of the table: once more, unless it failed a transaction.
            guard error.isStaleStatement, isUsable, !isInTransaction else { throw error }
            return try execute(sql)
        }
    }

    /// Runs one or several statements without parameters and drops their rows.
    ///
    /// Several statements are one transaction unless they say otherwise.
    public func script(_ sql: String) throws(PostgresError) {
        try refuseZeroByte(sql)
        let result = try exchange { PQsendQuery($0, sql) }
        if result.commandTag == "DISCARD ALL" || result.commandTag.hasPrefix("DEALLOCATE") { statements.removeAll() }
    }

    // MARK: Steps

    private func connect() throws(PostgresError) {
        notices.sessionEnd = nil
        guard let handle = try ConnectionTarget(configuration).connect() else {
            throw PostgresError(kind: .connection, message: "there is no memory for a connection")
        }
        guard PQstatus(handle) == CONNECTION_OK else {
            let error = lostConnection(handle)
            PQfinish(handle)
            throw error
        }
        // The connection owns the log and is closed before it goes.
        PQsetNoticeReceiver(handle, NoticeLog.receive, Unmanaged.passUnretained(notices).toOpaque())
        PQsetnonblocking(handle, 1)
        self.handle = handle
    }

    private func execute(_ sql: String) throws(PostgresError) -> PostgresResult {
        let name = try statement(sql)
        if !pipeline.answers.isEmpty { return try result(of: try submitPrepared(name, sql)) }
        do throws(PostgresError) {
            let result = try exchange { handle in
                parameters.withPointers { count, values, lengths, formats in
                    PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1)
                }
            }
            if result.commandTag.hasPrefix("DISCARD") || result.commandTag.hasPrefix("DEALLOCATE") {
                statements.removeAll()
            }
            return PostgresResult(handle: result)
        } catch {
            if error.isStaleStatement { statements.remove(name, for: sql) }
            throw error
        }
    }

    /// Runs `body` without limits on how long a statement may take: for work whose length goes with the database's size.
    ///
    /// Whoever waits for it ends it, not a limit that is meant for the statements of workers. That on locks stays.
    public func withoutStatementLimit<R>(_ body: () throws -> R) throws -> R {
        let usual = answerTimeout
        answerTimeout = nil
        defer { answerTimeout = usual }
        try script("set statement_timeout = 0")
        // A session that is lost begins with its own limit again.
        defer { if isUsable { try? script("reset statement_timeout") } }
        return try body()
    }

    /// The name of the prepared statement, prepared now if the session has none that fits.
    func statement(_ sql: String) throws(PostgresError) -> String {
        if let name = statements.find(sql, parameters.types) { return name }
        return try prepare(sql)
    }

    private func prepare(_ sql: String) throws(PostgresError) -> String {
        try refuseZeroByte(sql)
        let name = statements.makeName()
        let types = parameters.types
        _ = try exchange { PQsendPrepare($0, name, sql, CInt(types.count), types) }
        statements.insert(name, for: sql, types: types)
        if let evicted = statements.evict() {
            _ = try exchange { PQsendQuery($0, "deallocate \(evicted)") }
        }
        return name
    }

    private func refuseZeroByte(_ sql: String) throws(PostgresError) {
        if sql.utf8.contains(0) {
            throw PostgresError(kind: .usage, message: "the SQL text holds a zero byte")
        }
    }
}

/// Passes the server's notices to the log.
final class NoticeLog {
    /// Why the server has ended the session, if it has said so, asked or not.
    var sessionEnd: PostgresError?
    private let logger: Logger?

    init(logger: Logger?) {
        self.logger = logger
    }

    /// Called by libpq on the thread that reads the connection.
    static let receive: PQnoticeReceiver = { context, result in
        guard let context, let result else { return }
        let log = Unmanaged<NoticeLog>.fromOpaque(context).takeUnretainedValue()
        if PostgresError.isFatal(result) { log.sessionEnd = PostgresError(result: result) }
        // Only the message: the detail may hold values of rows.
        log.logger?.debug("PostgreSQL notice", metadata: ["notice": "\(PostgresError(result: result).message)"])
    }
}
