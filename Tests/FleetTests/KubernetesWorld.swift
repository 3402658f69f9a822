import Foundation
import Postgres
import Processes
import Synchronization
import TestSupport
import Testing

/// The whole fleet, and the agent of a real Kubernetes control plane, with an environment of its own in it.
struct KubernetesWorld {
    /// The kubeconfig of a control plane that tests may use, from SLIPWAY_TEST_KUBECONFIG; `nil` where there is none.
    static let kubeconfig = ProcessInfo.processInfo.environment["SLIPWAY_TEST_KUBECONFIG"].flatMap {
        $0.isEmpty ? nil : $0
    }

    let world: FleetWorld
    /// What this world's things are called in the control plane, which others use too.
    let name: String
    private let key: String
    private(set) var agent: WorkerProcessHandle
    /// What stands between the agent and the API server, where that was wanted.
    let proxy: TCPProxy?

    private let sent = SentRequests()

    var namespace: String { "\(name)-staging" }
    var cluster: String { name }

    /// Starts everything, and makes a project, an environment and an application.
    ///
    /// - Parameters:
    ///   - settings: More variables of the fleet's processes.
    ///   - throughProxy: Whether the agent's way to the API server can be cut.
    init(_ settings: [String: String] = [:], throughProxy: Bool = false) throws {
        proxy = throughProxy ? try TCPProxy(to: Self.serverPort()) : nil
        let name = "t" + UUID().uuidString.lowercased().prefix(8)
        let commands = "agent.commands.\(name)"
        let world = try FleetWorld(topics: EndToEndTests.topics + ["object.status", "audit", commands])
        try world.makeSealingKeys()
        world.environment.merge(settings) { $1 }
        for worker in [
            "release-worker", "deployment-worker", "agent-worker", "resource-worker", "outbox-relay", "timekeeper",
        ] {
            _ = try world.start(worker)
        }
        try world.request("project.create", key: name, id: "p", #"{"project":"\#(name)"}"#)
        try world.request("cluster.register", key: name, id: "c", #"{"cluster":"\#(name)"}"#)
        _ = try eventually("the cluster", within: .seconds(60)) {
            try world.number("select count(*) from cluster") == 1 ? true : nil
        }
        _ = try eventually("the project", within: .seconds(60)) {
            try world.number("select count(*) from project") == 1 ? true : nil
        }
        key = try FleetKeys.clusterKey(name, environment: world.environment)
        (self.world, self.name) = (world, name)
        agent = try Self.startAgent(world, name, key, proxy: proxy)
        try wait("the agent", "select count(*) from cluster where state = 'connected'", 1)
        try request("environment.create", #""cluster":"\#(name)""#)
        try world.request(
            "application.create",
            key: name,
            id: "a",
            #"{"project":"\#(name)","application":"web"}"#
        )
        try wait("an active environment", "select count(*) from environment where state = 'active'", 1)
        try wait("the application", "select count(*) from application", 1)
    }

    /// Installs the agent's chart without its pod, and starts the agent here with the rights of its service account.
    private static func startAgent(
        _ world: FleetWorld,
        _ name: String,
        _ key: String,
        proxy: TCPProxy?,
        lease: Bool = false
    ) throws -> WorkerProcessHandle {
        let home = "\(name)-agent"
        let file = world.folder + "/kubeconfig.json"
        if !FileManager.default.fileExists(atPath: file) {
            try installAgent(name, home: home, key)
            try writeKubeconfig(of: home, to: file, proxy: proxy)
        }
        return try world.start(
            "cluster-agent",
            ["--cluster", name, "--kubeconfig", file, "--agent-namespace", home],
            [
                "SLIPWAY_AGENT_KEY": key, "SLIPWAY_SERVICE_ACCOUNT": home,
                "SLIPWAY_ENVIRONMENT_ROLE": "\(home)-environment", "SLIPWAY_POD_LEASE": "\(lease)",
            ]
        )
    }

    private static func installAgent(_ name: String, home: String, _ key: String) throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        _ = try eventually("the agent's chart", within: .seconds(60)) {
            try run([
                "helm", "--kubeconfig", kubeconfig ?? "", "upgrade", "--install", home,
                root.appendingPathComponent("deploy/cluster-agent").path, "--namespace", home, "--create-namespace",
                "--set", "cluster=\(name),replicas=0,kafka.brokers=none,agentKey=\(key)",
            ])
        }
    }

    /// The port of the API server, which is on this machine.
    private static func serverPort() throws -> UInt16 {
        let path = "jsonpath={.clusters[0].cluster.server}"
        let server = try run(["kubectl", "--kubeconfig", kubeconfig ?? "", "config", "view", "--minify", "-o", path])
        guard let port = URL(string: server)?.port.flatMap({ UInt16(exactly: $0) }) else {
            throw NotSeen(description: "the port of \(server)")
        }
        return port
    }

    /// The kubeconfig of the tests, with the token of the agent's service account in place of its user's.
    private static func writeKubeconfig(of account: String, to file: String, proxy: TCPProxy?) throws {
        let kubectl = ["kubectl", "--kubeconfig", kubeconfig ?? ""]
        let secret = try eventually("the service account's token") {
            let path = "jsonpath={.secrets[0].name}"
            let name = try run(kubectl + ["-n", account, "get", "serviceaccount", account, "-o", path])
            return name.isEmpty ? nil : name
        }
        let encoded = try run(kubectl + ["-n", account, "get", "secret", secret, "-o", "jsonpath={.data.token}"])
        let token = String(decoding: Data(base64Encoded: encoded) ?? Data(), as: UTF8.self)
        let view = try run(kubectl + ["config", "view", "--raw", "--minify", "--flatten", "-o", "json"])
        var config = try JSONSerialization.jsonObject(with: Data(view.utf8)) as? [String: Any] ?? [:]
        config["users"] = ((config["users"] as? [[String: Any]]) ?? []).map { user -> [String: Any] in
            ["name": user["name"] ?? "", "user": ["token": token]]
        }
        if let proxy {
            config["clusters"] = ((config["clusters"] as? [[String: Any]]) ?? []).map { entry -> [String: Any] in
                var cluster = entry["cluster"] as? [String: Any] ?? [:]
                cluster["server"] = "https://127.0.0.1:\(proxy.port)"
                return ["name": entry["name"] ?? "", "cluster": cluster]
            }
        }
        try JSONSerialization.data(withJSONObject: config, options: .withoutEscapingSlashes).write(
            to: URL(fileURLWithPath: file)
        )
    }

    /// Starts the agent anew, as after a crash; with a lease it stands by while another one holds it.
    mutating func restartAgent(lease: Bool = false) throws {
        agent = try Self.startAgent(world, name, key, proxy: proxy, lease: lease)
    }

    /// Kills the agent, as the kernel would.
    func killAgent() throws {
        agent.signal(SIGKILL)
        _ = try agent.exitCode()
    }

    /// Takes away what this world has made in the control plane.
    func clean() {
        proxy?.close()
        for kind in ["clusterrole", "clusterrolebinding"] {
            _ = try? kubectl(["delete", kind, "\(name)-agent", "\(name)-agent-environment", "--ignore-not-found"])
        }
        _ = try? kubectl(["delete", "namespace", "\(name)-agent", namespace, "--ignore-not-found", "--wait=false"])
    }

    /// Sends a request about the environment; the fields of the place are added.
    func request(_ what: String, _ fields: String = "", id: String = UUID().uuidString) throws {
        let place = #""project":"\#(name)","environment":"staging""#
        sent.append(what, id)
        try world.request(what, key: "\(name)/staging", id: id, "{\(place)\(fields.isEmpty ? "" : ",")\(fields)}")
    }

    /// Seals a value for one field, as a sender does with the command line.
    func seal(_ value: String, for object: String, _ field: String) throws -> String {
        try world.seal(value, for: "\(name)/staging/\(object)", field)
    }

    /// Publishes a version of `web`, with a chart in a folder where one is named.
    func release(_ version: String, image: String = "r.example/shop/web", chart: String? = nil) throws {
        let folder = chart.map { URL(fileURLWithPath: $0) }
        let custom = folder.map { folder in
            #","customData":{"chart":{"repository":"file://\#(folder.deletingLastPathComponent().path)","#
                + #""name":"\#(folder.lastPathComponent)"}}"#
        }
        let body = """
            {"context":{"specversion":"0.5.1","id":"r\(version)","source":"/ci","type":"dev.cdevents.artifact.published.0.3.0",\
            "timestamp":"2026-11-23T08:00:00Z"},"subject":{"id":"pkg:oci/web?repository_url=\(image)&tag=\(version)",\
            "content":{}}\(custom ?? "")}
            """
        try world.send(
            "release.events",
            key: "web",
            type: "dev.cdevents.artifact.published.0.3.0",
            id: "r\(version)",
            source: "/ci",
            value: Array(body.utf8)
        )
        try wait(
            "the version \(version)",
            "select count(*) from version where artifact = 'web' and version = '\(version)'",
            1
        )
    }

    /// Waits until a number in the database is as it should be.
    func wait(_ what: String, _ sql: String, _ number: Int64) throws {
        do {
            _ = try eventually(what, within: .seconds(60)) { try world.number(sql) == number ? true : nil }
        } catch let error as NotSeen {
            let refused = try world.database.query(
                "select operation || ' ' || outcome || ' ' || coalesce(reason, '') from audit where outcome <> 'accepted'"
            ).map { try $0.string(0) }
            throw NotSeen(description: "\(error); audit: \(refused); the agent said: \(agent.output.suffix(2000))")
        }
    }

    /// Waits until the command of the newest request of a kind has ended as it should.
    func waitForCommand(_ operation: String, _ state: String = "succeeded") throws {
        let id = try #require(sent.newest(operation), "a \(operation) was asked for")
        try wait(
            "\(operation) \(state)",
            "select count(*) from command where request_id = '\(id)' and state = '\(state)'",
            1
        )
    }

    /// Whether a request of this environment waits for its decision, or a command for its end.
    func isBusy() throws -> Bool {
        let decided = try world.database.query(
            """
            select count(distinct request_id) from audit
            where request_id = any($1) and outcome in ('accepted', 'rejected')
            """,
            [.array(.texts(sent.ids))]
        ).only().int64(0)
        let open = try world.number(
            "select count(*) from command where state in ('accepted', 'sent', 'acknowledged', 'applied')"
        )
        return decided < sent.ids.count || open > 0
    }

    /// What kubectl prints.
    @discardableResult
    func kubectl(_ arguments: [String]) throws -> String {
        try Self.run(["kubectl", "--kubeconfig", Self.kubeconfig ?? ""] + arguments)
    }

    @discardableResult
    static func run(_ command: [String]) throws -> String {
        let (ending, bytes) = try ChildProcess.output(of: command, errors: .null)
        guard ending == .code(0) else {
            throw NotSeen(description: "'\(command.prefix(12).joined(separator: " "))' failed")
        }
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A value of objects in the namespace, by kubectl's path.
    func value(_ what: String, _ path: String, labels: String? = nil) throws -> String {
        let selector = labels.map { ["-l", $0] } ?? []
        return try kubectl(["-n", namespace, "get", what, "-o", "jsonpath=\(path)"] + selector)
    }
}

/// The requests that were sent, in their order.
private final class SentRequests: Sendable {
    private let sent = Mutex<[(operation: String, id: String)]>([])

    var ids: [String] { sent.withLock { $0.map(\.id) } }

    func append(_ operation: String, _ id: String) { sent.withLock { $0.append((operation, id)) } }

    func newest(_ operation: String) -> String? {
        sent.withLock { sent in sent.last { $0.operation == operation }?.id }
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips where there is no control plane.
    static var whereKubernetesIs: Self {
        .enabled(
            if: KubernetesWorld.kubeconfig != nil,
            "There is no control plane: 'make test-kubernetes' starts one, or SLIPWAY_TEST_KUBECONFIG names one."
        )
    }
}
