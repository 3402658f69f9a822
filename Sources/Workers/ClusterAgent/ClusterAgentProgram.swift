import ArgumentParser
import ClusterAgent
import Foundation
import WorkerRuntime

@main
struct ClusterAgentProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster-agent",
        abstract: "Speaks for one cluster: does what the fleet asks for and tells what it sees.",
        discussion: """
            With --http-port it answers /livez (its loop goes round), /readyz (the fleet has welcomed it and the broker
            takes what it says) and /metrics for Prometheus.

            Exit codes: 0 stopped cleanly, 3 superseded by another agent of the cluster, 64 wrong usage.
            """
    )

    @Flag(help: "Play a Kubernetes cluster instead of being in one.")
    var simulate = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup(title: "Simulation") var simulation: SimulationOptions

    func run() async throws {
        do {
            guard simulate else {
                throw StartError("Only the simulated cluster exists yet; start the agent with --simulate.")
            }
            let settings = connection.settings
            let configuration = simulation.applied(to: try connection.configuration(settings))
            let cluster = try simulation.cluster(named: configuration.cluster)
            let health = AgentHealth()
            let server = try HealthServer.start(
                settings,
                logger: configuration.logger,
                isAlive: { health.isAlive },
                isReady: { health.isReady }
            )
            defer { server?.cancel() }
            let end = try await AgentProcess.run { try AgentLoop(configuration, cluster: cluster, health: health) }
            if case .superseded(let reason) = end {
                Self.say("The fleet told this agent to stop: \(reason)")
                throw ExitCode(3)
            }
        } catch let error as StartError {
            Self.say(error.description)
            throw ExitCode(64)
        }
    }

    private static func say(_ sentence: String) {
        FileHandle.standardError.write(Data("cluster-agent: \(sentence)\n".utf8))
    }
}
