/// Where a chart is.
public struct ChartReference: Codable, Sendable, Hashable {
    /// The repository's URL.
    public var repository: String?
    /// The name.
    public var name: String
    /// The version.
    public var version: String?

    /// Makes the data.
    public init(repository: String?, name: String, version: String?) {
        self.repository = repository
        self.name = name
        self.version = version
    }
}

/// A secret of the type `kubernetes.io/dockerconfigjson`, sealed for the cluster.
public struct RegistrySecret: Codable, Sendable, Hashable {
    /// The secret's name in the namespace.
    public var name: String
    /// The sealed text of `.dockerconfigjson`, bound to cluster, namespace, `registry-secret`, name, `.dockerconfigjson`.
    public var sealed: String

    /// Makes the data.
    public init(name: String, sealed: String) {
        self.name = name
        self.sealed = sealed
    }
}

/// The data of ``AgentCommandType/releaseRequested``.
public struct ReleaseRequested: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The instance's (or object's) generation.
    public var generation: Int64
    /// The namespace.
    public var namespace: String
    /// The instance, which is the release's name.
    public var instance: String
    /// The application.
    public var application: String
    /// The version.
    public var version: String
    /// The image to run.
    public var image: String?
    /// The chart to render.
    public var chart: ChartReference?
    /// YAML: the version's values with the request's on top.
    public var values: String
    /// When the fleet gives up, for people: agents do not judge it.
    public var deadline: String
    /// Replicas that stand over the chart's, by workload, such as `Deployment/web` or `StatefulSet/db`.
    public var replicas: [String: Int]?
    /// Whether every Deployment and StatefulSet is applied with no replicas, whatever ``replicas`` and the chart say.
    public var stopped: Bool?
    /// A nonce in the annotation `slipway.io/restart` of every pod template: a new one rolls the pods.
    public var restart: String?
    /// What the cluster pulls images with: secrets that are made before the release and named in its pods.
    public var registrySecrets: [RegistrySecret]?
    /// The sealed JSON `{"username": …, "password": …}` for the chart's repository.
    public var chartCredentials: String?
    /// Whether it is to be done although it was done, because somebody else has changed what it made.
    public var repair: Bool?
    /// The command that decided version and values: where another one's are there, the chart's hooks run.
    ///
    /// Also where nothing else differs, as after a redeployment; `nil` where an older fleet does not say it.
    public var deployment: String?

    /// Makes the data.
    public init(
        command: String,
        generation: Int64,
        namespace: String,
        instance: String,
        application: String,
        version: String,
        image: String?,
        chart: ChartReference?,
        values: String,
        deadline: String,
        replicas: [String: Int]? = nil,
        stopped: Bool? = nil,
        restart: String? = nil,
        registrySecrets: [RegistrySecret]? = nil,
        chartCredentials: String? = nil,
        deployment: String? = nil
    ) {
        self.command = command
        self.generation = generation
        self.namespace = namespace
        self.instance = instance
        self.application = application
        self.version = version
        self.image = image
        self.chart = chart
        self.values = values
        self.deadline = deadline
        self.replicas = replicas
        self.stopped = stopped
        self.restart = restart
        self.registrySecrets = registrySecrets
        self.chartCredentials = chartCredentials
        self.deployment = deployment
    }
}

/// The data of ``AgentCommandType/removalRequested``: a release that is not there counts as removed.
public struct RemovalRequested: Codable, Sendable, Hashable {
    /// The command's id.
    public var command: String
    /// The instance's generation.
    public var generation: Int64
    /// The namespace.
    public var namespace: String
    /// The instance, which is the release's name.
    public var instance: String
    /// When the fleet gives up, for people: agents do not judge it.
    public var deadline: String

    /// Makes the data.
    public init(command: String, generation: Int64, namespace: String, instance: String, deadline: String) {
        self.command = command
        self.generation = generation
        self.namespace = namespace
        self.instance = instance
        self.deadline = deadline
    }
}
