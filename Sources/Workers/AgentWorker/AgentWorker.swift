import ArgumentParser
import Domain
import Sealing
import WorkerRuntime

@main
struct AgentWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent-worker",
        abstract: "Follows the agents: connectivity, acknowledgements, results, and what they tell for people to read."
    )

    @OptionGroup var options: WorkerOptions

    func run() async throws {
        let worker = try WorkerProcess(name: "agent-worker", settings: options.settings, migrations: fleetMigrations)
        let fleetKey = try FleetKey(worker.settings)
        let keyRing = try KeyRing.load(worker.settings)
        try await worker.consume([
            Subscription("agent.status") { [logger = worker.logger] in
                AgentStatusHandler(fleetKey: fleetKey, keyRing: keyRing, logger: logger)
            },
            Subscription("agent.output") { AgentOutputHandler(fleetKey: fleetKey) },
        ])
    }
}
