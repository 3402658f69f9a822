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

    /// The flags by the names of their variables.
    var flags: [String: String?] {
        [
            "KUBECONFIG": kubeconfig, "KUBE_CONTEXT": context, "AGENT_NAMESPACE": agentNamespace,
            "SERVICE_ACCOUNT": serviceAccount, "ENVIRONMENT_ROLE": environmentRole,
            "HELM_SECONDS": helmSeconds.map(String.init),
        ]
    }

    /// Connects to the cluster, however long its API is away.
    func connect(_ settings: Settings, cluster: String, logger: Logger) async throws -> KubernetesCluster {
        let configuration: KubernetesConfiguration
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
            limit: .seconds(try settings.number("HELM_SECONDS", default: 600, in: 1...86_400))
        )
        let role = settings.text("ENVIRONMENT_ROLE") ?? "slipway-agent-environment"
        do {
            return try await KubernetesCluster.connect(
                KubernetesClient(configuration),
                cluster: cluster,
                home: settings.text("AGENT_NAMESPACE") ?? configuration.namespace ?? "slipway-agent",
                account: settings.text("SERVICE_ACCOUNT").map { .init(name: $0, environmentRole: role) },
                helm: helm,
                logger: logger
            )
        } catch let error as KubernetesError {
            throw StartError("The agent cannot speak for the cluster: \(error).")
        }
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
