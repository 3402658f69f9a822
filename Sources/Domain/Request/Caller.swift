public import WorkerRuntime

/// Who sent a request.
public struct Caller: Sendable, Hashable {
    /// The name under which the act is recorded: the subject of a token, or a program of the fleet's own.
    public var name: String
    /// On whose behalf the fleet itself acts, for rules.
    public var onBehalfOf: String?
    /// Whether the name was proved.
    public var isVerified: Bool

    /// Makes a caller.
    public init(_ name: String, onBehalfOf: String? = nil, isVerified: Bool = true) {
        self.name = name
        self.onBehalfOf = onBehalfOf
        self.isVerified = isVerified
    }

    /// Whose permission counts.
    public var authority: String { onBehalfOf ?? name }

    /// As commands and the audit log name it.
    var recorded: String { onBehalfOf.map { "\($0) (rule)" } ?? name }

    /// A sender whose name nobody has proved.
    static let unknown = Caller("", isVerified: false)
}

/// Finds out who sent a request.
public protocol CallerSource: Sendable {
    /// Who sent it; may block the lane's thread for a few seconds.
    ///
    /// - Throws: ``CallerError``.
    func caller(of message: KafkaMessageView) throws(CallerError) -> Caller

    /// What a message that must wait keeps, so that its sender can be told later; never a token in clear.
    func kept(of message: KafkaMessageView) -> [(String, String)]
}

extension CallerSource {
    /// Nothing is kept unless a source says otherwise.
    public func kept(of message: KafkaMessageView) -> [(String, String)] { [] }
}

/// Why nobody knows who sent a request.
public enum CallerError: Error, Sendable {
    /// Nothing proves who it is.
    case refused(Reason)
    /// It cannot be told now: to be tried again.
    case unavailable(Reason)
}
