/// The data of ``AgentCommandType/logsRequested``.
///
/// Each such command is a subject of its own: it waits for no other and has no generation.
public struct LogsRequested: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The namespace.
    public var namespace: String
    /// The pod.
    public var pod: String
    /// The container, also an init container.
    public var container: String
    /// How many of the newest lines; all of them where it is absent.
    public var lines: Int?
    /// Whether new lines are sent as they come.
    public var follow: Bool
    /// How long it is followed.
    public var seconds: Int
    /// Whether the run before the present one is wanted.
    public var previous: Bool
    /// How many bytes of lines are sent in all.
    public var bytes: Int

    /// Makes the data.
    public init(
        command: String,
        namespace: String,
        pod: String,
        container: String,
        lines: Int?,
        follow: Bool,
        seconds: Int,
        previous: Bool,
        bytes: Int
    ) {
        self.command = command
        self.namespace = namespace
        self.pod = pod
        self.container = container
        self.lines = lines
        self.follow = follow
        self.seconds = seconds
        self.previous = previous
        self.bytes = bytes
    }
}

/// The data of ``AgentCommandType/logListened``.
public struct LogListened: Codable, Sendable, Hashable {
    /// The id of the command whose log it is.
    public var command: String
    /// For how long from now it is followed at least.
    public var seconds: Int

    /// Makes the data.
    public init(command: String, seconds: Int) {
        self.command = command
        self.seconds = seconds
    }
}

/// The types of `container.logs`.
public enum ContainerLogType {
    /// Lines of a log that somebody asked for.
    public static let log = "slipway.container.log.v1"
}

/// Why a log ended.
public enum LogEnd: String, Codable, Sendable, Hashable, CaseIterable {
    /// There is no more of it: it was not followed, or the container has ended.
    case complete
    /// As many bytes were sent as were asked for.
    case byteLimit = "byte_limit"
    /// It was followed for as long as was asked for.
    case timeLimit = "time_limit"
    /// The command was taken back.
    case withdrawn
}

/// The data of ``ContainerLogType/log``.
public struct ContainerLog: Codable, Sendable, Hashable {
    /// The id of the command that asked for it.
    public var command: String
    /// The number of the message within its command, from 1.
    public var sequence: Int64
    /// The lines, without their ends.
    public var lines: [String]
    /// Whether a line was cut, or lines were left out.
    public var truncated: Bool
    /// Whether this is the last message of its command.
    public var ended: Bool
    /// Why it ended, a ``LogEnd``; `nil` before that.
    public var reason: String?

    /// Makes the data.
    public init(
        command: String,
        sequence: Int64,
        lines: [String],
        truncated: Bool,
        ended: Bool,
        reason: String?
    ) {
        self.command = command
        self.sequence = sequence
        self.lines = lines
        self.truncated = truncated
        self.ended = ended
        self.reason = reason
    }
}
