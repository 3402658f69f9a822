import Domain
import Foundation
import Identity
import Kafka
import Postgres
import Processes
import Sealing
import WorkerRuntime

/// The processes and folders of a demo, begun and ended together.
final class DemoWorld {
    static let cluster = "demo"
    let folder: String
    let terminal: Terminal
    let settingsFile: String
    private var server: PostgresServer?
    private var children: [ChildProcess] = []
    /// Ends them where this process is ended before its time.
    private let guardian: ProcessGuard
    private(set) var environment: [String: String] = [:]
    /// The tokens of the demo's people, by their names.
    private(set) var tokens: [String: String] = [:]

    init(terminal: Terminal) throws {
        self.terminal = terminal
        folder = NSTemporaryDirectory() + "slipway-demo-\(ProcessInfo.processInfo.processIdentifier)"
        settingsFile = FileManager.default.currentDirectoryPath + "/.slipway/demo.env"
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755]
        )
        guardian = try ProcessGuard(removing: folder, after: folder + "/postgres")
    }

    var kafka: KafkaSettings {
        var settings = KafkaSettings(bootstrapServers: environment["SLIPWAY_KAFKA_BROKERS"] ?? "")
        settings.properties["fetch.wait.max.ms"] = environment["SLIPWAY_KAFKA_FETCH_WAIT_MAX_MS"]
        return settings
    }

    /// Starts everything, in the order in which each needs the other.
    func start(scale: Int, stop: DemoStop) throws {
        let server = try PostgresServer(folder: folder + "/postgres", durable: true, isTemporary: true)
        self.server = server
        let fleetKey = FleetKey.random()
        environment = [
            "SLIPWAY_DATABASE_URL": try server.createDatabase("slipway"), "SLIPWAY_FLEET_KEY": fleetKey,
            "SLIPWAY_SETTLE_SECONDS": "2", "SLIPWAY_FAILURE_SECONDS": "5", "SLIPWAY_LOG_LEVEL": "info",
            // The mock broker answers an empty fetch only when its wait is over, so the wait is short here.
            "SLIPWAY_KAFKA_FETCH_WAIT_MAX_MS": "10",
        ]
        try makeTokens()
        step("PostgreSQL \(try version()) in a folder of its own, port \(server.port)")
        try stop.check()
        environment["SLIPWAY_KAFKA_BROKERS"] = try startBroker(stop)
        step(
            "an embedded broker at \(environment["SLIPWAY_KAFKA_BROKERS"] ?? ""), with \(Topics.complete(clusters: [Self.cluster]).count) topics"
        )
        let connection = try database()
        let applied = try Migrate.migrate(connection, outboxShards: Installation.defaultOutboxShards)
        connection.close()
        step("the schema: \(applied.joined(separator: ", "))")
        let workers = [
            "release-worker", "deployment-worker", "agent-worker", "resource-worker", "outbox-relay", "timekeeper",
        ]
        for worker in workers {
            for number in 1...scale { _ = try launch(worker, log: "\(worker)-\(number)") }
        }
        step("the fleet: \(workers.joined(separator: ", "))\(scale > 1 ? ", \(scale) of each" : "")")
        try writeSettings()
    }

    /// Who runs the platform, who owns the demo's projects, and who is a member of one.
    static let (administrator, owner, member) = ("root", "olga", "max")

    /// A connection to the demo's database.
    func database() throws -> PostgresConnection {
        try PostgresConnection(PostgresConfiguration(url: environment["SLIPWAY_DATABASE_URL"] ?? ""))
    }

    /// Seals a value to the demo's key, as `slipway seal` does.
    func seal(_ value: String, for object: [String], field: String) throws -> String {
        let key = try SealingPublicKey.parse(environment["SLIPWAY_SEALING_KEY"] ?? "", of: .fleet)
        return try key.seal(SecretBytes(utf8: value), for: Binding(parts: object + [field])).text
    }

    /// Makes keys and tokens of the demo's own; what is tried in a second terminal is done as the owner.
    private func makeTokens() throws {
        let keySet = folder + "/token-keys.json"
        let issuer = try TokenIssuer.create(privateKey: folder + "/token-key.pem", keySet: keySet)
        for subject in [Self.administrator, Self.owner, Self.member] {
            tokens[subject] = try issuer.token(
                for: subject,
                lifetime: .seconds(12 * 3600),
                at: Int64(Date().timeIntervalSince1970 * 1_000_000)
            )
        }
        environment["SLIPWAY_TOKEN_KEYS"] = keySet
        environment["SLIPWAY_ADMINISTRATORS"] = Self.administrator
        environment["SLIPWAY_TOKEN"] = tokens[Self.owner]
        try makeKeys()
    }

    /// Makes the keys to which secrets are sealed, and with which they are kept.
    private func makeKeys() throws {
        let (sealing, ring) = (folder + "/sealing-keys", folder + "/key-ring")
        try SealingKeys.addKey(to: sealing)
        try KeyRing.addKey(to: ring)
        environment["SLIPWAY_SEALING_KEYS"] = sealing
        environment["SLIPWAY_KEY_RING"] = ring
        environment["SLIPWAY_SEALING_KEY"] = try SealingKeys.load(sealing, of: .fleet).publicKey.text
    }

    /// Starts the simulated cluster's agent, once the cluster is registered.
    func startAgent() throws {
        let fleetKey = try FleetKey(base64: environment["SLIPWAY_FLEET_KEY"] ?? "")
        environment["SLIPWAY_CLUSTER"] = Self.cluster
        let key = fleetKey.clusterKey(Self.cluster, keyID: 1).base64
        _ = try launch("cluster-agent", ["--simulate"], log: "cluster-agent", more: ["SLIPWAY_AGENT_KEY": key])
        step("a simulated cluster named '\(Self.cluster)', with its agent")
    }

    /// Says what died, if anything did: a demo whose fleet is broken must not wait for it.
    func checkChildren() throws {
        for child in children {
            guard let ending = child.ending else { continue }
            let name = (child.program as NSString).lastPathComponent
            throw StartError("\(name) ended with \(ending); its log:\n\(lastLines(of: name))")
        }
    }

    /// Ends every process and removes every file.
    func end() {
        // The broker first began and ends last: workers that leave their groups need it.
        stop(Array(children.dropFirst()))
        stop(Array(children.prefix(1)))
        server?.stop(.immediate)
        guardian.dismiss()
        try? FileManager.default.removeItem(atPath: folder)
        try? FileManager.default.removeItem(atPath: settingsFile)
        // Gone only when it is empty: others may keep files there.
        rmdir((settingsFile as NSString).deletingLastPathComponent)
    }

    private func stop(_ processes: [ChildProcess]) {
        for process in processes { process.signal(SIGTERM) }
        let patience = ContinuousClock.now + .seconds(10)
        for process in processes where process.wait(atMost: patience - .now) == nil {
            process.signal(SIGKILL)
            process.wait()
        }
    }

    func showWhatNext() {
        let slipway = CommandLine.arguments.first ?? "slipway"
        terminal.line(
            "\n\(terminal.paint("Everything stays up until Ctrl-C.", .bold)) In a second terminal, in this folder:\n"
        )
        for line in [
            "set -a; . .slipway/demo.env; set +a",
            "\(slipway) overview",
            "\(slipway) deployments",
            "\(slipway) audit shop",
            "\(slipway) explain shop/staging/web",
            "\(slipway) send artifact.published --purl 'pkg:oci/web?repository_url=registry.example/shop/web&tag=1.6.0'",
            "\(slipway) send instance.upgrade --set project=shop --set environment=staging --set instance=web --set version=1.5.0",
            "\(slipway) status",
        ] { terminal.line("  " + line) }
        terminal.line("\nThe logs are in \(folder)/logs.")
    }

    private func step(_ text: String) {
        terminal.line("\(terminal.paint("✓", .green)) \(text)")
    }

    private func version() throws -> String {
        let connection = try database()
        defer { connection.close() }
        let text = try connection.query("show server_version").only().string(0)
        return text.split(separator: " ").first.map(String.init) ?? text
    }

    private func startBroker(_ stop: DemoStop) throws -> String {
        let file = folder + "/broker.address"
        let broker = try launch(
            "slipway",
            ["broker", "--cluster", Self.cluster, "--partitions", "4", "--address-file", file],
            log: "broker"
        )
        let patience = Date().addingTimeInterval(20)
        while Date() < patience {
            try stop.check()
            if let address = try? String(contentsOfFile: file, encoding: .utf8), !address.isEmpty {
                return address.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            guard broker.isRunning else { break }
            Thread.sleep(forTimeInterval: 0.02)
        }
        throw StartError("The embedded broker did not start:\n\(lastLines(of: "broker"))")
    }

    private func launch(_ name: String, _ arguments: [String] = [], log: String, more: [String: String] = [:]) throws
        -> ChildProcess
    {
        let executable = OwnExecutable.beside(name)
        guard FileManager.default.isExecutableFile(atPath: executable) else {
            throw StartError("'\(executable)' is missing; build the whole package with 'swift build'.")
        }
        let logs = folder + "/logs"
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
        try? FileManager.default.removeItem(atPath: "\(logs)/\(log).log")
        let output = ChildProcess.Stream.file("\(logs)/\(log).log")
        let process = try ChildProcess(
            [executable] + arguments,
            environment: ProcessInfo.processInfo.environment
                .filter { !$0.key.hasPrefix("SLIPWAY_") }
                .merging(environment) { $1 }.merging(more) { $1 },
            output: output,
            errors: output
        )
        guardian.add(process)
        children.append(process)
        return process
    }

    private func lastLines(of name: String) -> String {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/logs")) ?? []
        guard let file = files.first(where: { $0.hasPrefix(name) }),
            let text = try? String(contentsOfFile: "\(folder)/logs/\(file)", encoding: .utf8)
        else { return "(no log)" }
        return text.split(separator: "\n").suffix(8).joined(separator: "\n")
    }

    private func writeSettings() throws {
        try FileManager.default.createDirectory(
            atPath: (settingsFile as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true
        )
        let lines = environment.sorted { $0.key < $1.key }.map { "\($0.key)='\($0.value)'" }
        let data = Data((lines.joined(separator: "\n") + "\n").utf8)
        // The file holds the database's password and the fleet's key.
        _ = FileManager.default.createFile(
            atPath: settingsFile,
            contents: data,
            attributes: [.posixPermissions: 0o600]
        )
    }
}
