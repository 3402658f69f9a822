import ArgumentParser
import Domain
import WorkerRuntime

@main
struct TimekeeperWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "timekeeper",
        abstract: "Lets time pass: deadlines, settling times, lost agents, and what was kept for long enough."
    )

    @OptionGroup var options: WorkerOptions

    func run() async throws {
        let worker = try WorkerProcess(name: "timekeeper", settings: options.settings, migrations: fleetMigrations)
        let duties = RoundDuties(logger: worker.logger)
        let timekeeper = Timekeeper(
            fleetKey: try FleetKey(worker.settings),
            leaseSeconds: try worker.settings.number("AGENT_LEASE_SECONDS", default: 30, in: 1...86_400),
            agentGroup: worker.settings.topicPrefix + "agent-worker",
            resourceGroup: worker.settings.topicPrefix + "resource-worker",
            certificateDays: try worker.settings.number(
                "CERTIFICATE_DAYS",
                default: Timekeeper.defaultCertificateDays,
                in: 1...365
            ),
            duties: duties
        )
        let retention = RuntimeRetention()
        let audit = PartitionRetention(
            "audit",
            days: try worker.settings.number(
                "AUDIT_DAYS",
                default: PartitionRetention.defaultAuditDays,
                in: 1...36_500
            )
        )
        let output = OutputRetention(
            eventDays: try worker.settings.number(
                "EVENT_DAYS",
                default: OutputRetention.defaultEventDays,
                in: 1...36_500
            ),
            outputDays: try worker.settings.number(
                "STAGE_OUTPUT_DAYS",
                default: OutputRetention.defaultOutputDays,
                in: 1...36_500
            )
        )
        let ledger = LedgerRetention(
            days: try worker.settings.number(
                "LEDGER_DAYS",
                default: LedgerRetention.defaultDays,
                in: LedgerRetention.fewestDays...36_500
            )
        )
        let resources = ResourceRetention(
            days: try worker.settings.number(
                "RESOURCE_DAYS",
                default: ResourceRetention.defaultDays,
                in: ResourceRetention.fewestDays...36_500
            )
        )
        let departed = DepartedResources()
        try await worker.repeatRounds(every: .milliseconds(250)) { connection in
            let moved = try timekeeper.round(on: connection)
            // A chunk a round: what is due can wait, deadlines cannot.
            _ = try duties.attempt("inbox retention", on: connection) { try retention.round(on: connection) }
            _ = try duties.attempt("audit retention", on: connection) { try audit.round(on: connection) }
            _ = try duties.attempt("output retention", on: connection) { try output.round(on: connection) }
            _ = try duties.attempt("ledger retention", on: connection) { try ledger.round(on: connection) }
            _ = try duties.attempt("resource retention", on: connection) { try resources.round(on: connection) }
            _ = try duties.attempt("departed resources", on: connection) { try departed.round(on: connection) }
            return moved
        }
    }
}
