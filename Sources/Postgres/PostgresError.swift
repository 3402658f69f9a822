import CPq

/// An error of the server, of the connection to it, or of a call that could not be made.
public struct PostgresError: Error, Sendable {
    /// What failed.
    public enum Kind: String, Sendable {
        /// The connection could not be made or is lost; nothing says that a running statement had no effect.
        case connection
        /// The server refused the statement; the session lives.
        case server
        /// A column does not hold what was asked for.
        case decoding
        /// The call itself is wrong; nothing was sent.
        case usage
        /// COMMIT was sent and its answer was lost: the transaction may be committed or not.
        case commitUnknown
        /// The database's migrations and the program's do not fit together.
        case migration
    }

    /// What failed.
    public var kind: Kind
    /// The server's code, if the server answered.
    public var sqlState: PostgresSQLState?
    /// One sentence of the server or of this library.
    public var message: String
    /// The server's detail; it may hold values of rows and does not belong into logs.
    public var detail: String?
    /// The constraint that was violated.
    public var constraint: String?
    /// The table the error is about.
    public var table: String?
    /// The column the error is about.
    public var column: String?
    /// Whether the server dropped the plan of a prepared statement; preparing it again helps.
    var isStaleStatement = false

    /// Makes an error that no server sent.
    public init(kind: Kind, message: String, sqlState: PostgresSQLState? = nil) {
        self.kind = kind
        self.message = message
        self.sqlState = sqlState
    }

    init(result: OpaquePointer) {
        kind = .server
        sqlState = Self.field(cpq_field_sqlstate(), of: result).map(PostgresSQLState.init(rawValue:))
        message =
            Self.field(cpq_field_message(), of: result)
            ?? PQresultErrorMessage(result).map { String(cString: $0).firstLine } ?? "the server gave no reason"
        detail = Self.field(cpq_field_detail(), of: result)
        constraint = Self.field(cpq_field_constraint(), of: result)
        table = Self.field(cpq_field_table(), of: result)
        column = Self.field(cpq_field_column(), of: result)
        isStaleStatement =
            sqlState == .invalidStatementName
            || (sqlState == .featureNotSupported
                && Self.field(cpq_field_function(), of: result) == "RevalidateCachedQuery")
    }

    /// Whether the server ends the session with this error.
    static func isFatal(_ result: OpaquePointer) -> Bool {
        let severity = field(cpq_field_severity(), of: result)
        return severity == "FATAL" || severity == "PANIC"
    }

    private static func field(_ code: CInt, of result: OpaquePointer) -> String? {
        PQresultErrorField(result, code).map { String(cString: $0) }
    }
}

extension PostgresError {
    /// Whether the same call may succeed later without any change to it.
    ///
    /// True for lost connections, for the classes 08, 40, 53, 57P and 58, and the codes 25006, 42501 and 55P03. A
    /// statement that ran into `statement_timeout` (57014) is not transient: it may be the statement.
    public var isTransient: Bool {
        switch kind {
        case .connection, .commitUnknown: return true
        case .decoding, .usage, .migration: return false
        case .server: break
        }
        guard let sqlState else { return false }
        switch sqlState.errorClass {
        case "08", "40", "53", "58": return true
        default: break
        }
        return isStaleStatement || sqlState.rawValue.hasPrefix("57P") || Self.withheld.contains(sqlState)
    }

    /// What is needed is locked, may not be written, or is not granted.
    private static let withheld: Set<PostgresSQLState> = [
        .lockNotAvailable, .readOnlyTransaction, .insufficientPrivilege,
    ]

    /// Whether the server cannot work now, whatever it is asked to do.
    ///
    /// It is away, starting or stopping, takes no writes, or has no disk or no connections left, or somebody else keeps
    /// what is needed locked, as a change of the schema does, or nobody has granted it to this role, as of a new table.
    /// However often it fails so, what was asked is not at fault.
    /// Of a session that ends in the midst of what it was asked, and of which the server does not say that it ended it for a
    /// reason of its own, nobody knows that: what was asked may have taken too much memory, or too long.
    public var isServersTrouble: Bool {
        guard !isCommitUnknown else { return true }
        guard kind == .server || kind == .connection, let sqlState else { return false }
        return sqlState.errorClass == "08" || sqlState.rawValue.hasPrefix("57P")
            || Self.withheld.contains(sqlState) || ["53100", "53300"].contains(sqlState.rawValue)
    }

    /// Whether a COMMIT was sent and its answer was lost; only reading the rows tells what happened.
    public var isCommitUnknown: Bool { kind == .commitUnknown }

    /// Whether the connection is lost and must be made anew.
    public var isConnectionLost: Bool { kind == .connection || kind == .commitUnknown }

    /// Whether a unique key exists already; ``constraint`` names it.
    public var isUniqueViolation: Bool { sqlState == .uniqueViolation }

    /// Whether the transaction lost against another one (40001 or 40P01) and should be repeated.
    public var isSerializationFailure: Bool { sqlState == .serializationFailure || sqlState == .deadlockDetected }
}

extension PostgresError: CustomStringConvertible, CustomReflectable {
    /// One line without values of rows: kind, code, message and the names involved.
    public var description: String {
        var text = "PostgreSQL \(kind.rawValue) error"
        if let sqlState { text += " \(sqlState)" }
        text += ": \(printableMessage)"
        if let constraint { text += " (constraint \(constraint))" }
        return text
    }

    /// Shows the description alone, so that a dump does not print ``detail``.
    public var customMirror: Mirror {
        Mirror(self, children: ["description": description])
    }

    /// The message without the value that class 22 (data exception) quotes at its end.
    private var printableMessage: String {
        guard sqlState?.errorClass == "22", let quote = message.firstIndex(of: "\"") else {
            return String(message.prefix(500))
        }
        return message[..<quote] + "…"
    }
}

extension String {
    /// The text up to its first line break.
    var firstLine: String { prefix { !$0.isNewline }.description }
}
