import ArgumentParser
import Domain
import Identity
import Sealing
import WorkerRuntime

@main
struct DeploymentWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deployment-worker",
        abstract: "Decides deployment requests and tells the agents what to do."
    )

    @OptionGroup var options: WorkerOptions

    func run() async throws {
        let worker = try WorkerProcess(
            name: "deployment-worker",
            settings: options.settings,
            migrations: fleetMigrations
        )
        let fleetKey = try FleetKey(worker.settings)
        let timers = try CommandTimers(worker.settings)
        let sealing = try SealingKeys.load(worker.settings)
        let keyRing = try KeyRing.load(worker.settings)
        let trustedTopics = try TrustedTopic.all(worker.settings)
        let callers: any CallerSource
        if worker.settings.text("TOKEN_KEYS") == nil, !trustedTopics.isEmpty {
            callers = NoTokenCallers()
        } else {
            let verifier = try TokenVerifier(worker.settings, logger: worker.logger, clock: worker.clock)
            callers = TokenCallers(verifier, fleetKey: fleetKey, clock: worker.clock)
        }
        let permissions = Permissions(worker.settings)
        let topics = try BrokerTopics(worker.settings, logger: worker.logger)
        @Sendable func handler(_ callers: any CallerSource) -> DeploymentRequestHandler {
            DeploymentRequestHandler(
                fleetKey: fleetKey,
                timers: timers,
                callers: callers,
                permissions: permissions,
                sealing: sealing,
                keyRing: keyRing,
                topics: topics
            )
        }
        let trusted = trustedTopics.map { topic in
            Subscription(topic.name) { handler(TrustedCallers(topic)) }
        }
        try await worker.consume([Subscription("deployment.requests") { handler(callers) }] + trusted)
    }
}
