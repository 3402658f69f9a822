import ArgumentParser
import Domain
import WorkerRuntime

@main
struct ResourceWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resource-worker",
        abstract: "Keeps what the clusters hold, judges its health and rolls it up to instances."
    )

    @OptionGroup var options: WorkerOptions

    func run() async throws {
        let worker = try WorkerProcess(name: "resource-worker", settings: options.settings, migrations: fleetMigrations)
        let fleetKey = try FleetKey(worker.settings)
        try await worker.consume("resource.changes", batchCount: 1000) {
            ResourceHandler(fleetKey: fleetKey)
        }
    }
}
