import ArgumentParser
import Domain
import WorkerRuntime

@main
struct OutboxRelay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outbox-relay",
        abstract: "Publishes the outbox to Kafka, in order per key."
    )

    @OptionGroup var options: WorkerOptions

    func run() async throws {
        let worker = try WorkerProcess(name: "outbox-relay", settings: options.settings, migrations: fleetMigrations)
        try await worker.relayOutbox()
    }
}
