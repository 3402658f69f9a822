import ArgumentParser
import Domain
import WorkerRuntime

@main
struct ReleaseWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release-worker",
        abstract: "Records versions from release events and fires auto-deploy rules."
    )

    @OptionGroup var options: WorkerOptions

    func run() async throws {
        let worker = try WorkerProcess(name: "release-worker", settings: options.settings, migrations: fleetMigrations)
        let fleetKey = try FleetKey(worker.settings)
        try await worker.consume("release.events") { [logger = worker.logger] in
            ReleaseHandler(fleetKey: fleetKey, logger: logger)
        }
    }
}
