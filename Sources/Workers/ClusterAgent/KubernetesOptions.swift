import ArgumentParser
import ClusterAgent
import Foundation
import Kubernetes
import Logging
import WorkerRuntime

/// How the agent reaches its cluster; inside of one it finds everything by itself.
struct KubernetesOptions: ParsableArguments {
    @Option(help: "A kubeconfig file; the pod's service account otherwise [SLIPWAY_KUBECONFIG].")
    var kubeconfig: String?
    @Option(help: "The context of that file; its current one otherwise [SLIPWAY_KUBE_CONTEXT].")
    var context: String?
    @Option(
        help: """
            The agent's own namespace, where it keeps which command made what [SLIPWAY_AGENT_NAMESPACE, default the \
            pod's, or 'slipway-agent'].
            """
    )
    var agentNamespace: String?
    @Option(
        help: """
            The service account to which the agent gives its rights in each namespace that it makes; where none is named \
            it has them in the whole cluster [SLIPWAY_SERVICE_ACCOUNT].
            """
    )
    var serviceAccount: String?
    @Option(help: "The ClusterRole with those rights [SLIPWAY_ENVIRONMENT_ROLE, default 'slipway-agent-environment'].")
    var environmentRole: String?
    @Option(
        help: "How long helm may take for one thing, such as a hook, in seconds [SLIPWAY_HELM_SECONDS, default 600]."
    )
    var helmSeconds: Int?
    @Option(
        help: "How many releases helm works on at a time, each some 90 MB [SLIPWAY_HELM_RUNS, default 8]."
    )
    var helmRuns: Int?
    @Option(
        help: """
            Whether agents of this namespace agree by a Lease which one speaks [SLIPWAY_POD_LEASE, default: only in a \
            pod].
            """
    )
    var lease: Bool?

    /// The flags by the names of their variables.
    var flags: [String: String?] {
        [
            "KUBECONFIG": kubeconfig, "KUBE_CONTEXT": context, "AGENT_NAMESPACE": agentNamespace,
            "SERVICE_ACCOUNT": serviceAccount, "ENVIRONMENT_ROLE": environmentRole,
            "HELM_SECONDS": helmSeconds.map(String.init), "HELM_RUNS": helmRuns.map(String.init),
            "POD_LEASE": lease.map(String.init),
        ]
    }

    /// Where the cluster is, and what the agent needs beside it.
    func place(_ settings: Settings) async throws -> ClusterPlace {
        let configuration: KubernetesConfiguration
        let isPod = settings.text("KUBECONFIG") == nil
        do throws(KubernetesConfigurationError) {
            if let path = settings.text("KUBECONFIG") {
                configuration = try .kubeconfig(path, context: settings.text("KUBE_CONTEXT"))
            } else {
                configuration = try .inCluster()
            }
        } catch {
            throw StartError(error.sentence)
        }
        let helm = HelmProgram(
            helm: try await Self.helm(),
            agent: Self.program,
            kubeconfig: settings.text("KUBECONFIG"),
            context: settings.text("KUBE_CONTEXT"),
            podKubeconfig: configuration.podKubeconfig,
            limit: .seconds(try settings.number("HELM_SECONDS", default: 600, in: 1...86_400)),
            runs: Int(try settings.number("HELM_RUNS", default: 8, in: 1...1000))
        )
        return ClusterPlace(
            client: KubernetesClient(configuration),
            home: settings.text("AGENT_NAMESPACE") ?? configuration.namespace ?? "slipway-agent",
            helm: helm,
            isPod: isPod
        )
    }

    /// This program, wherever it was called from.
    private static var program: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    private static func helm() async throws -> String {
        guard let found = HelmLookup.find() else {
            throw StartError("There is no 'helm' on the search path; the agent changes releases with helm 4.")
        }
        if let obstacle = await HelmLookup.obstacle(to: found) { throw StartError(obstacle) }
        return found
    }
}

/// The cluster that the agent speaks for, found and not yet connected to.
struct ClusterPlace {
    let client: KubernetesClient
    /// The agent's own namespace.
    let home: String
    let helm: HelmProgram
    let isPod: Bool

    /// The lease by which pods agree; `nil` where there is one agent only.
    func lease(_ settings: Settings, cluster: String, logger: Logger) throws -> AgentLease? {
        guard try settings.truth("POD_LEASE", default: isPod) else { return nil }
        let host = ProcessInfo.processInfo.hostName
        return AgentLease(
            client,
            namespace: home,
            cluster: cluster,
            identity: "\(host)-\(UUID().uuidString.prefix(8).lowercased())",
            logger: logger
        )
    }

    /// Connects to the cluster, however long its API is away.
    func connect(_ settings: Settings, cluster: String, logger: Logger) async throws -> KubernetesCluster {
        let role = settings.text("ENVIRONMENT_ROLE") ?? "slipway-agent-environment"
        return try await KubernetesCluster.connect(
            client,
            cluster: cluster,
            home: home,
            account: settings.text("SERVICE_ACCOUNT").map { .init(name: $0, environmentRole: role) },
            helm: helm,
            logger: logger
        )
    }
}
