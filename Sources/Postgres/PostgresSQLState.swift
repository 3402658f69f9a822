/// A five-character code by which the server names an error.
///
/// Source: PostgreSQL manual, appendix A "PostgreSQL Error Codes". The first two characters are the class.
public struct PostgresSQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The five characters, such as `23505`.
    public let rawValue: String

    /// Takes the five characters as the server sent them.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The first two characters: the class of the error.
    public var errorClass: Substring { rawValue.prefix(2) }

    /// The five characters.
    public var description: String { rawValue }

    /// A value is outside the range of its type.
    public static let numericValueOutOfRange = PostgresSQLState(rawValue: "22003")
    /// A text cannot be read as a value of its type.
    public static let invalidTextRepresentation = PostgresSQLState(rawValue: "22P02")
    /// A null was written to a column that refuses it.
    public static let notNullViolation = PostgresSQLState(rawValue: "23502")
    /// A foreign key names a row that does not exist.
    public static let foreignKeyViolation = PostgresSQLState(rawValue: "23503")
    /// A unique key exists already.
    public static let uniqueViolation = PostgresSQLState(rawValue: "23505")
    /// A check constraint refused the row.
    public static let checkViolation = PostgresSQLState(rawValue: "23514")
    /// The transaction is read only, as on a standby.
    public static let readOnlyTransaction = PostgresSQLState(rawValue: "25006")
    /// The transaction failed before and waits for ROLLBACK.
    public static let inFailedTransaction = PostgresSQLState(rawValue: "25P02")
    /// The session was ended because its transaction was idle too long.
    public static let idleInTransactionSessionTimeout = PostgresSQLState(rawValue: "25P03")
    /// The prepared statement does not exist in this session.
    public static let invalidStatementName = PostgresSQLState(rawValue: "26000")
    /// The transaction cannot be serialized with the others; repeat it.
    public static let serializationFailure = PostgresSQLState(rawValue: "40001")
    /// The transaction was chosen to end a deadlock; repeat it.
    public static let deadlockDetected = PostgresSQLState(rawValue: "40P01")
    /// The role may not do that, or the server's files may not be written.
    public static let insufficientPrivilege = PostgresSQLState(rawValue: "42501")
    /// The statement has a syntax error.
    public static let syntaxError = PostgresSQLState(rawValue: "42601")
    /// The table does not exist.
    public static let undefinedTable = PostgresSQLState(rawValue: "42P01")
    /// The object is in another state than the statement needs.
    public static let objectNotInPrerequisiteState = PostgresSQLState(rawValue: "55000")
    /// A lock was not granted in time (`lock_timeout`, NOWAIT).
    public static let lockNotAvailable = PostgresSQLState(rawValue: "55P03")
    /// The statement was cancelled by request or by `statement_timeout`.
    public static let queryCanceled = PostgresSQLState(rawValue: "57014")
    /// The session was ended by an administrator.
    public static let adminShutdown = PostgresSQLState(rawValue: "57P01")
    /// Another server process crashed.
    public static let crashShutdown = PostgresSQLState(rawValue: "57P02")
    /// The server starts up or shuts down.
    public static let cannotConnectNow = PostgresSQLState(rawValue: "57P03")
    /// The feature is not supported; also a cached plan whose result type changed.
    public static let featureNotSupported = PostgresSQLState(rawValue: "0A000")
}
