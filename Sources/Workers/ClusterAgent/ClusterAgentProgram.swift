import ArgumentParser
import ClusterAgent
import Foundation
import Kubernetes
import WorkerRuntime

@main
struct ClusterAgentProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster-agent",
        abstract: "Speaks for one cluster: does what the fleet asks for and tells what it sees.",
        subcommands: [Run.self, PostRender.self, Guard.self],
        defaultSubcommand: Run.self
    )
}

/// The agent itself.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Speak for a cluster until SIGTERM (the default).",
        discussion: """
            In a pod it speaks for the cluster that it is in, elsewhere for that of a kubeconfig file. It needs helm 4.

            Pods of one agent agree by a Lease: one speaks, the others stand by and take over within 20 seconds.

            With --http-port it answers /livez (its loop goes round), /readyz (the fleet has welcomed it and the broker
            takes what it says) and /metrics for Prometheus.

            Exit codes: 0 stopped cleanly, 3 superseded by another agent of the cluster, 64 wrong usage.
            """
    )

    @Flag(help: "Play a Kubernetes cluster instead of being in one.")
    var simulate = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup(title: "Kubernetes") var kubernetes: KubernetesOptions
    @OptionGroup(title: "Simulation") var simulation: SimulationOptions

    func run() async throws {
        do {
            let settings = Settings(flags: connection.flags.merging(kubernetes.flags) { $1 })
            let configuration = simulation.applied(to: try connection.configuration(settings))
            let health = AgentHealth()
            let place = simulate ? nil : try await kubernetes.place(settings)
            let lease = try place?.lease(settings, cluster: configuration.cluster, logger: configuration.logger)
            let server = try HealthServer.start(
                settings,
                logger: configuration.logger,
                isAlive: { health.isAlive },
                isReady: { health.isReady }
            )
            defer { server?.cancel() }
            let end = try await AgentProcess.run(holding: lease, health: health) {
                guard let place else { return try simulation.cluster(named: configuration.cluster) }
                return try await place.connect(
                    settings,
                    cluster: configuration.cluster,
                    logger: configuration.logger
                )
            } loop: { cluster in
                try AgentLoop(configuration, cluster: cluster, health: health)
            }
            if case .superseded(let reason) = end {
                Self.say("This agent stops, because another one speaks for the cluster: \(reason)")
                throw ExitCode(3)
            }
        } catch let error as KubernetesError {
            Self.say("The agent cannot speak for the cluster: \(error).")
            throw ExitCode(64)
        } catch let error as StartError {
            Self.say(error.description)
            throw ExitCode(64)
        }
    }

    private static func say(_ sentence: String) {
        StandardError.write("cluster-agent: \(sentence)\n")
    }
}
