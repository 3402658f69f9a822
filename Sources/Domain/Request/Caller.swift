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
    /// - Parameter source: The event's source.
    /// - Throws: A `Reason` where nothing proves who it is.
    func caller(of message: KafkaMessageView, source: String) throws(Reason) -> Caller
}

/// Takes the event's source for the caller: the right to write to the topic is the trust.
public struct SourceCallers: CallerSource {
    /// Makes it.
    public init() {}

    /// The event's source.
    public func caller(of message: KafkaMessageView, source: String) throws(Reason) -> Caller { Caller(source) }
}
