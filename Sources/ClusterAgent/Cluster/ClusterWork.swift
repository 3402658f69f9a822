public import Domain

/// What a command is about: at most one command of a subject is done at a time, and the highest generation wins.
public enum CommandSubject: Codable, Sendable, Hashable {
    /// A namespace.
    case namespace(String)
    /// A release in a namespace.
    case release(namespace: String, instance: String)
    /// What single objects in a namespace are for, such as a network.
    case object(namespace: String, ObjectSubject)
    /// A log in a namespace: each command is a subject of its own.
    case log(namespace: String, command: String)

    /// The namespace it is in.
    public var namespace: String {
        switch self {
        case .namespace(let name), .release(let name, _), .object(let name, _), .log(let name, _): name
        }
    }
}

/// Which command made a subject what it is.
public struct CommandMark: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The subject's generation.
    public var generation: Int64

    /// Makes a mark.
    public init(command: String, generation: Int64) {
        self.command = command
        self.generation = generation
    }
}

/// What a cluster is asked to do.
public enum ClusterWork: Sendable, Hashable {
    /// Make a namespace; one that is there already is not an error.
    case namespace(NamespaceRequested)
    /// Remove a namespace with everything in it; one that is not there is not an error.
    case namespaceRemoval(NamespaceRemovalRequested)
    /// Install or upgrade a release.
    case release(ReleaseRequested)
    /// Uninstall a release and end when all its objects are gone; one that is not there is not an error.
    case removal(RemovalRequested)
    /// Apply single objects and remove others.
    case objects(ObjectsRequested)
    /// Tell a container's log, line by line, as ``ClusterEvent/logged(_:lines:)``; bounds are the agent's business.
    case log(LogsRequested)

    /// What it is about.
    public var subject: CommandSubject {
        switch self {
        case .namespace(let request): .namespace(request.namespace)
        case .namespaceRemoval(let request): .namespace(request.namespace)
        case .release(let request): .release(namespace: request.namespace, instance: request.instance)
        case .removal(let request): .release(namespace: request.namespace, instance: request.instance)
        case .objects(let request): .object(namespace: request.namespace, request.subject)
        case .log(let request): .log(namespace: request.namespace, command: request.command)
        }
    }

    /// Whether it is to be done although it was done, because somebody else has changed what it made.
    public var isRepair: Bool {
        switch self {
        case .release(let request): request.repair == true
        case .objects(let request): request.repair == true
        case .namespace, .namespaceRemoval, .removal, .log: false
        }
    }

    /// Whether a mark is of the same command under a former generation: its number alone is new; a repair is more.
    func isRenumbered(_ mark: CommandMark?) -> Bool {
        guard let mark, !isRepair else { return false }
        return mark.command == self.mark.command && mark.generation < self.mark.generation
    }

    /// The command behind it; a log has no generation.
    public var mark: CommandMark {
        switch self {
        case .namespace(let request): CommandMark(command: request.command, generation: request.generation)
        case .namespaceRemoval(let request): CommandMark(command: request.command, generation: request.generation)
        case .release(let request): CommandMark(command: request.command, generation: request.generation)
        case .removal(let request): CommandMark(command: request.command, generation: request.generation)
        case .objects(let request): CommandMark(command: request.command, generation: request.generation)
        case .log(let request): CommandMark(command: request.command, generation: 0)
        }
    }
}
