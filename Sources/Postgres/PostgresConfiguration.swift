/// How to reach the database and which limits a session has.
///
/// The URL may hold a password, so that neither the description nor a dump of this value shows the URL.
public struct PostgresConfiguration: Sendable {
    /// The libpq connection URL or keyword string; what it sets itself wins over the defaults of this type.
    let url: String
    /// The name under which the server lists the session.
    public var applicationName = ""
    /// The longest time a statement may run (`statement_timeout`); `nil` is no limit.
    public var statementTimeout: Duration? = .seconds(30)
    /// The longest time a transaction may wait for its client (`idle_in_transaction_session_timeout`).
    ///
    /// Then the server ends the session, so that a stopped process does not keep its locks. `nil` is no limit.
    public var idleInTransactionTimeout: Duration? = .seconds(10)
    /// The longest time to wait for a lock (`lock_timeout`); `nil` is no limit.
    public var lockTimeout: Duration? = .seconds(10)
    /// The longest time to connect to one host, in whole seconds and at least two.
    public var connectTimeout: Duration = .seconds(5)
    /// The longest time sent data may wait for its acknowledgement, and a silent server to be probed.
    public var networkTimeout: Duration = .seconds(15)
    /// How often the server looks during a long statement whether its client still lives; `nil` is never.
    public var clientCheckInterval: Duration? = .seconds(5)
    /// The longest time to wait for the server's answer; then the connection counts as lost.
    ///
    /// It guards against a server that is stopped and whose kernel still acknowledges. By default five seconds more
    /// than ``statementTimeout``; no limit if that has none.
    public var answerTimeout: Duration?
    /// Whether only a server will do that takes writes, such as no standby (`target_session_attrs=read-write`).
    ///
    /// Of several hosts in the URL it is looked for. A URL that has `target_session_attrs` itself wins.
    public var needsWrites = false
    /// The schemas to look for tables in, in order; `nil` is the server's default.
    public var searchPath: [String]?
    /// Further settings of the session by their server names.
    public var settings: [String: String] = [:]

    /// Makes a configuration with the default limits.
    ///
    /// - Parameter url: A libpq connection URL (`postgresql://user:password@host:port/database?…`) or keyword string.
    ///   It is looked at when a connection is made.
    public init(url: String) {
        self.url = url
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomReflectable {
    /// Host, port, user and database, never the password.
    public var description: String {
        guard let target = try? ConnectionTarget(self) else { return "PostgreSQL (unreadable URL)" }
        return target.description
    }

    /// Shows the description alone.
    public var customMirror: Mirror {
        Mirror(self, children: ["description": description])
    }
}

extension PostgresConfiguration {
    /// The server settings of the session, as the `options` of a connection.
    var options: String {
        var values = settings
        values["statement_timeout"] = Self.milliseconds(statementTimeout)
        values["idle_in_transaction_session_timeout"] = Self.milliseconds(idleInTransactionTimeout)
        values["lock_timeout"] = Self.milliseconds(lockTimeout)
        if let clientCheckInterval {
            values["client_connection_check_interval"] = Self.milliseconds(clientCheckInterval)
        }
        if let searchPath {
            values["search_path"] = searchPath.map(PostgresIdentifier.quote).joined(separator: ",")
        }
        return values.sorted { $0.key < $1.key }
            .map { "-c \($0.key)=\(Self.escapeOption($0.value))" }
            .joined(separator: " ")
    }

    /// The time to wait for an answer that follows from the settings.
    var effectiveAnswerTimeout: Duration? {
        answerTimeout ?? statementTimeout.map { $0 + .seconds(5) }
    }

    private static func milliseconds(_ duration: Duration?) -> String {
        "\(max(0, duration?.wholeMilliseconds ?? 0))"
    }

    /// The server splits the options at blanks; a backslash keeps a character from it.
    private static func escapeOption(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            if character == " " || character == "\\" { text.append("\\") }
            text.append(character)
        }
    }
}

extension Duration {
    /// The duration in whole milliseconds, rounded up.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }

    /// The duration in whole seconds, rounded up.
    var wholeSeconds: Int64 { (wholeMilliseconds + 999) / 1000 }
}
