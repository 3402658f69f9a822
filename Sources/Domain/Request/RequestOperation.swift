import Postgres
import WorkerRuntime

/// A kind of request: what its data says, what it is about, who may send it, and what it does.
///
/// One type a request, in the folder of its concept; ``RequestCatalog`` lists them. Its stored members are the data of
/// `slipway.<name>.v1`.
protocol RequestOperation: Decodable, Sendable {
    /// The type without `slipway.` and version, such as `instance.deploy`; commands and the audit log call it so.
    static var name: String { get }
    /// Who may send it.
    static var access: Access { get }
    /// The kind of what it is about, also where nobody could read more of it than its type.
    static var subjectKind: String { get }
    /// Where it acts, which is the Kafka key that it must have.
    var place: RequestPlace { get }
    /// What it is about.
    var subject: RequestSubject { get }
    /// What it reads or changes beside its place: locked before the first request of a batch is decided.
    var rows: RequestRows { get }
    /// The request with what follows from the message that it came in, such as a generated name.
    func identified(source: String, id: String) -> Self
    /// Whether it asks only what would happen: it may be asked again, and is answered anew each time.
    var isDryRun: Bool { get }
    /// The rules that need no state: names, sizes, ranges.
    func check() throws(Reason)
    /// Decides and writes, with everything locked and the caller's permission checked.
    ///
    /// - Throws: A `Reason` for a rejection, before anything is written.
    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws
}

extension RequestOperation {
    /// The first word of the name, unless they say otherwise.
    static var subjectKind: String { String(name.prefix { $0 != "." }) }
    /// Requests change something unless they say otherwise.
    var isDryRun: Bool { false }
    /// Nothing beside the place.
    var rows: RequestRows { RequestRows() }

    /// Nothing follows from the message.
    func identified(source: String, id: String) -> Self { self }
}

/// Where a request acts.
enum RequestPlace: Sendable, Hashable {
    /// In an environment of a project.
    case environment(project: String, environment: String)
    /// In a project.
    case project(String)
    /// On a cluster.
    case cluster(String)

    /// The Kafka key: whatever names an environment is keyed by it, so that its requests keep their order.
    var key: String {
        switch self {
        case .environment(let project, let environment): "\(project)/\(environment)"
        case .project(let name), .cluster(let name): name
        }
    }

    /// The least that somebody must be to ask for anything there.
    var leastAccess: Access {
        switch self {
        case .environment: .member
        case .project: .owner
        case .cluster: .administrator
        }
    }

    /// The project, where the place has one.
    var project: String? {
        switch self {
        case .environment(let project, _), .project(let project): project
        case .cluster: nil
        }
    }

    /// The environment's name, where the place is one.
    var environment: String? {
        if case .environment(_, let environment) = self { environment } else { nil }
    }
}

extension RequestPlace {
    /// Where a request acts, of which perhaps nobody could read more than its key and its type.
    init(of request: RequestIdentity) {
        let parts = request.key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if request.subjectKind == "cluster" {
            self = .cluster(request.key)
        } else if parts.count == 2, !parts.contains("") {
            self = .environment(project: parts[0], environment: parts[1])
        } else {
            self = .project(request.key)
        }
    }
}

/// What a request is about.
struct RequestSubject: Sendable, Hashable {
    /// The concept: `project`, `environment`, `instance`, `network` and so on.
    var kind: String
    /// Its name.
    var name: String

    /// Names a subject.
    init(_ kind: String, _ name: String) {
        self.kind = kind
        self.name = name
    }
}

/// The rows that a request needs locked beside the environment that it acts in.
struct RequestRows: Sendable {
    /// Projects whose row changes, or which many requests of the project must agree on.
    var projects: [String]
    /// Clusters whose row changes.
    var clusters: [String]
    /// Instances of the environment, by name.
    var instances: [String]
    /// Objects of the environment, by kind and name.
    var objects: [RequestSubject]
    /// Whether everything in the environment is needed.
    var isWholeEnvironment: Bool
    /// Whether every environment of the project is needed.
    var isWholeProject: Bool

    /// Names rows.
    init(
        projects: [String] = [],
        clusters: [String] = [],
        instances: [String] = [],
        objects: [RequestSubject] = [],
        isWholeEnvironment: Bool = false,
        isWholeProject: Bool = false
    ) {
        self.projects = projects
        self.clusters = clusters
        self.instances = instances
        self.objects = objects
        self.isWholeEnvironment = isWholeEnvironment
        self.isWholeProject = isWholeProject
    }
}
