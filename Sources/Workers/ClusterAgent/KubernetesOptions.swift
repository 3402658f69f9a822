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
            helm: try Self.helm(),
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

    private static func helm() throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let candidates = path.split(separator: ":").map { "\($0)/helm" }
        guard let found = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            throw StartError("There is no 'helm' on the search path; the agent changes releases with helm 4.")
        }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: found)
        process.arguments = ["version", "--template", "{{.Version}}"]
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardOutput = output
        try process.run()
        let version = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard let major = version.drop(while: { $0 == "v" }).split(separator: ".").first.flatMap({ Int($0) }),
            major >= 4
        else { throw StartError("'\(found)' is helm \(version.prefix(20)); the agent changes releases with helm 4.") }
        return found
    }
}
