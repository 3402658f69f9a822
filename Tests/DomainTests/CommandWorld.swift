import Foundation
import Logging
import Postgres
import TestSupport

@testable import Domain
@testable import WorkerRuntime

/// A database of its own, and the handlers of the fleet that work on it as their lanes would.
final class CommandWorld {
    let connection: PostgresConnection
    let url: String
    let fleetKey: FleetKey
    private let requests: DeploymentRequestHandler
    private let agents: AgentStatusHandler
    private var requestCount = 0
    private var sequences: [String: Int64] = [:]

    /// The boot of the agent that ``connect(_:boot:uid:)`` introduces by default.
    static let boot = "0b000000-0000-4000-8000-000000000001"

    init() throws {
        url = try TestDatabase.make()
        connection = try TestDatabase.connect(url)
        // One shard, so that published() keeps the order of everything.
        try connection.script("update installation set outbox_shards = 1")
        fleetKey = try FleetKey(base64: Data(repeating: 7, count: 32).base64EncodedString())
        requests = Self.requests(fleetKey)
        agents = AgentStatusHandler(fleetKey: fleetKey, keyRing: Self.keyRing, logger: Logger(label: "test"))
    }

    /// A handler of requests, as a lane of its own would have.
    static func requests(_ fleetKey: FleetKey) -> DeploymentRequestHandler {
        DeploymentRequestHandler(
            fleetKey: fleetKey,
            timers: CommandTimers(),
            callers: NamedCallers(),
            permissions: Permissions(administrators: ["root"]),
            sealing: sealing,
            keyRing: keyRing
        )
    }

    /// A world with a connected cluster, an active environment, an application and two versions of it.
    static func ready() throws -> CommandWorld {
        let world = try CommandWorld()
        try world.request("project.create", key: "shop", #"{"project":"shop","owners":["olga"]}"#, as: "root")
        try world.register("c1")
        try world.connect("c1")
        try world.beat()
        try world.request(
            "environment.create",
            key: "shop/staging",
            #"{"project":"shop","environment":"staging","cluster":"c1"}"#
        )
        try world.report("applied", of: try world.lastCommand(), #""objects":[]"#)
        try world.request("application.create", key: "shop", #"{"project":"shop","application":"web"}"#)
        try world.publishVersion("1.0.0")
        try world.publishVersion("1.1.0")
        _ = try world.published()
        return world
    }

    func register(_ cluster: String) throws {
        try request("cluster.register", key: cluster, #"{"cluster":"\#(cluster)"}"#, as: "root")
    }

    func publishVersion(_ version: String, of artifact: String = "web") throws {
        try connection.query(
            """
            insert into version (artifact, version, image, "values", event_source, event_id, recorded_at)
            values ($1, $2, $1 || ':' || $2, 'replicas: 1', '/ci', $2, now())
            """,
            [.text(artifact), .text(version)]
        )
    }

    // MARK: Requests

    /// Handles one request in a transaction of its own.
    @discardableResult
    func request(
        _ type: String,
        key: String,
        _ body: String,
        id: String? = nil,
        source: String = "/portal",
        as caller: String = "olga",
        headers: [(String, String)] = []
    ) throws -> Outcome {
        let message = message(type, key: key, body, id: id, source: source, as: caller, headers: headers)
        return try handle([message]).first ?? .stale
    }

    /// Deploys the application `web` to the instance `web`.
    @discardableResult
    func deploy(_ version: String = "1.0.0", _ more: String = "", instance: String = "web", id: String? = nil) throws
        -> Outcome
    {
        try request("instance.deploy", key: "shop/staging", Self.deployment(version, more, instance: instance), id: id)
    }

    static func deployment(_ version: String, _ more: String = "", instance: String = "web") -> String {
        #"{"project":"shop","environment":"staging","application":"web","instance":"\#(instance)","#
            + #""version":"\#(version)"\#(more.isEmpty ? "" : "," + more)}"#
    }

    func message(
        _ type: String,
        key: String?,
        _ body: String,
        id: String? = nil,
        source: String = "/portal",
        as caller: String = "olga",
        headers: [(String, String)] = [],
        brokerTime: Int64 = CommandWorld.milliseconds()
    ) -> KafkaMessageView {
        requestCount += 1
        return KafkaMessageView(
            topic: "deployment.requests",
            offset: Int64(requestCount),
            brokerTime: brokerTime,
            key: key,
            headers: [
                ("ce_specversion", "1.0"), ("ce_id", id ?? "request-\(requestCount)"), ("ce_source", source),
                ("ce_type", type.contains(".v") ? type : "slipway.\(type).v1"), ("content-type", "application/json"),
                (NamedCallers.header, caller),
            ] + headers,
            value: Array(body.utf8)
        )
    }

    /// Handles requests as one batch.
    @discardableResult
    func handle(_ messages: [KafkaMessageView]) throws -> [Outcome] {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try Self.run(requests, messages, in: transaction)
        }
    }

    /// What a lane does inside its transaction, without the fence.
    static func run<H: Handler>(
        _ handler: H,
        _ messages: [KafkaMessageView],
        in transaction: borrowing PostgresTransaction
    ) throws -> [Outcome] {
        let now = try transaction.query("select clock_timestamp()").only().timestamp(0)
        var refused: [Int: Reason] = [:]
        var entries: [Entry<H.Input>] = []
        var keyed: [(Entry<H.Input>, InboxKey)] = []
        for (place, message) in messages.enumerated() {
            do throws(Refusal) {
                let input = try handler.decode(message)
                let entry = Entry(input, message: message)
                entries.append(entry)
                if let key = handler.inboxKey(of: input) { keyed.append((entry, key)) }
            } catch {
                refused[place] = error.reason
            }
        }
        try Inbox(reach: .seconds(86_400)).admit(keyed, now: now, in: transaction)
        let batch = Batch(entries, now: now)
        try handler.handle(batch, in: transaction)
        for (entry, key) in keyed where entry.admission == .first {
            guard let answer = entry.answer else { continue }
            try transaction.query("update inbox set answer = $2 where id = $1", [.uuid(key.requestID), .bytes(answer)])
        }
        try OutboxWriter.write(batch.outbox, in: transaction)
        var outcomes = entries.map(\.outcome).makeIterator()
        return messages.indices.map { place in
            refused[place].map { .deadLettered($0) } ?? outcomes.next() ?? .stale
        }
    }

    // MARK: Agents

    /// Lets an agent say hello.
    @discardableResult
    func connect(
        _ cluster: String,
        boot: String = CommandWorld.boot,
        uid: String = "uid-1",
        keyID: Int32 = 1
    ) throws -> Outcome {
        let body = #"{"boot":"\#(boot)","clusterUID":"\#(uid)","agentVersion":"1"}"#
        return try follow([status("hello", body, cluster: cluster, epoch: 0, sequence: 1, keyID: keyID)]).first
            ?? .stale
    }

    /// Lets an agent say that it lives, and whether it has told all that it sees; one of a version before says nothing of it.
    @discardableResult
    func beat(
        _ cluster: String = "c1",
        epoch: Int64 = 1,
        boot: String = CommandWorld.boot,
        complete: Bool? = true
    ) throws -> Outcome {
        let account = complete.map { #","complete":\#($0)"# } ?? ""
        let body = #"{"boot":"\#(boot)"\#(account)}"#
        return try follow([status("heartbeat", body, cluster: cluster, epoch: epoch)]).first ?? .stale
    }

    /// Lets an agent report on a command of the generation that it has.
    @discardableResult
    func report(
        _ type: String,
        of command: UUID,
        _ more: String = "",
        cluster: String = "c1",
        epoch: Int64 = 1,
        generation: Int64? = nil
    ) throws -> Outcome {
        let known = try connection.query("select generation from command where id = $1", [.uuid(command)])
        let number = try generation ?? known.first?.int64(0) ?? 1
        let body =
            #"{"command":"\#(command.uuidString.lowercased())","generation":\#(number)\#(more.isEmpty ? "" : ",")\#(more)}"#
        return try follow([status(type, body, cluster: cluster, epoch: epoch)]).first ?? .stale
    }

    /// A signed message of an agent; numbered on within the epoch unless a number is given.
    func status(
        _ type: String,
        _ body: String,
        cluster: String = "c1",
        epoch: Int64 = 1,
        sequence: Int64? = nil,
        signedBy signer: String? = nil,
        keyID: Int32 = 1,
        version: Int = 1,
        brokerTime: Int64 = CommandWorld.milliseconds()
    ) -> KafkaMessageView {
        let stream = "\(cluster) \(epoch)"
        let number = sequence ?? (sequences[stream] ?? 0) + 1
        sequences[stream] = number
        let event = OutgoingEvent(
            id: "\(stream) \(number)",
            type: "slipway.agent.\(type).v\(version)",
            source: "/clusters/\(cluster)/agent",
            subject: nil,
            time: 1_000_000,
            data: Array(body.utf8),
            extensions: [("epoch", String(epoch)), ("sequence", String(number))]
        ).signed(
            .fromAgent,
            topic: "agent.status",
            key: cluster,
            with: fleetKey.clusterKey(signer ?? cluster, keyID: keyID),
            keyID: keyID
        )
        return KafkaMessageView(
            topic: "agent.status",
            brokerTime: brokerTime,
            key: cluster,
            headers: event.headers,
            value: event.data
        )
    }

    /// Handles messages of agents as one batch.
    @discardableResult
    func follow(_ messages: [KafkaMessageView]) throws -> [Outcome] {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try Self.run(agents, messages, in: transaction)
        }
    }

    // MARK: Facts

    /// The newest command.
    func lastCommand() throws -> UUID {
        try connection.query("select id from command order by created_at desc, generation desc limit 1").only().uuid(0)
    }

    /// One column of one row as text.
    func text(_ sql: String) throws -> String? {
        try connection.query("select (\(sql))::text").only().optionalString(0)
    }

    /// The open or ended state and revision of each command on an instance or environment, oldest first.
    func states(_ subject: String = "web") throws -> [String] {
        try connection.query(
            """
            select state || ' ' || revision from command
            where subject_name = $1 and subject_kind in ('instance', 'environment') order by created_at, generation
            """,
            [.text(subject)]
        ).map { try $0.string(0) }
    }

    static func milliseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
}
