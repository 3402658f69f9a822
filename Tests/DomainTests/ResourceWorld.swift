import Foundation
import Postgres
import Synchronization
import WorkerRuntime

@testable import Domain

/// A verifier for tests: a message is signed with the key that its header `key-number` says, or else with key 1, save
/// those that carry `unsigned`.
struct TrustingVerifier: SignatureVerifier {
    func verify(_ message: KafkaMessageView, from cluster: String) throws(Reason) -> Int32 {
        guard message.header("unsigned") == nil else {
            throw Reason(code: "unsigned", sentence: "The message is not signed.", field: "slipway-signature")
        }
        return message.header("key-number").flatMap { Int32($0) } ?? 1
    }
}

/// Messages of `resource.changes` as an agent writes them.
enum AgentMessage {
    static func changed(
        _ object: String,
        _ epoch: Int64,
        _ sequence: Int64,
        key: String = "c1/shop",
        instance: String? = nil
    ) -> KafkaMessageView {
        make("slipway.resource.changed.v1", object, epoch, sequence, key: key, instance: instance)
    }

    static func gone(_ kind: String, _ name: String, uid: String, _ epoch: Int64, _ sequence: Int64) -> KafkaMessageView
    {
        let apiVersion = kind == "Deployment" ? "apps/v1" : "v1"
        let body =
            #"{"apiVersion":"\#(apiVersion)","kind":"\#(kind)","#
            + #""metadata":{"name":"\#(name)","namespace":"shop","uid":"\#(uid)"}}"#
        return make("slipway.resource.gone.v1", body, epoch, sequence)
    }

    static func snapshotEnded(_ kind: String, began: Int64, count: Int, _ epoch: Int64, _ sequence: Int64)
        -> KafkaMessageView
    {
        let body = #"{"apiVersion":"v1","kind":"\#(kind)","began":\#(began),"count":\#(count)}"#
        return make("slipway.resource.snapshot_ended.v1", body, epoch, sequence)
    }

    static func make(
        _ type: String,
        _ body: String?,
        _ epoch: Int64,
        _ sequence: Int64,
        key: String = "c1/shop",
        instance: String? = nil,
        partition: Int32 = 0
    ) -> KafkaMessageView {
        var headers = [("ce_type", type), ("ce_epoch", String(epoch)), ("ce_sequence", String(sequence))]
        if let instance { headers.append(("ce_instance", instance)) }
        return KafkaMessageView(
            topic: "resource.changes",
            partition: partition,
            key: key,
            headers: headers,
            value: body.map { Array($0.utf8) }
        )
    }

    /// A Deployment of one replica.
    static func deployment(_ name: String, uid: String = "u1", generation: Int64 = 1, available: Int = 1) -> String {
        #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"\#(name)","namespace":"shop","uid":"\#(uid)","#
            + #""generation":\#(generation),"resourceVersion":"7"},"spec":{"replicas":1},"status":{"replicas":1,"#
            + #""observedGeneration":\#(generation),"updatedReplicas":1,"availableReplicas":\#(available)}}"#
    }

    /// A pod of the command's generation 2 whose container ends again and again.
    static func crashingPod(_ name: String) -> String {
        #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"\#(name)","namespace":"shop","uid":"p-\#(name)","#
            + #""labels":{"slipway.io/generation":"2"}},"spec":{"restartPolicy":"Always"},"#
            + #""status":{"phase":"Running","containerStatuses":[{"name":"web","restartCount":3,"#
            + #""state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}"#
    }

    /// A running pod; who made it is written as `kind/name`.
    static func pod(_ name: String, isReady: Bool = true, owner: String? = nil) -> String {
        #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"\#(name)","namespace":"shop","#
            + #""uid":"p-\#(name)"\#(owners(owner))},"spec":{"restartPolicy":"Always"},"status":{"phase":"Running","#
            + #""conditions":[{"type":"Ready","status":"\#(isReady ? "True" : "False")"}]}}"#
    }

    /// A ReplicaSet of one replica; who made it is written as `kind/name`.
    static func replicaSet(_ name: String, owner: String? = nil) -> String {
        #"{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"\#(name)","namespace":"shop","#
            + #""uid":"r-\#(name)","generation":1\#(owners(owner))},"spec":{"replicas":1},"#
            + #""status":{"replicas":1,"observedGeneration":1}}"#
    }

    private static func owners(_ owner: String?) -> String {
        guard let parts = owner?.split(separator: "/"), parts.count == 2 else { return "" }
        return #","ownerReferences":[{"apiVersion":"apps/v1","kind":"\#(parts[0])","name":"\#(parts[1])","#
            + #""uid":"o-\#(parts[1])","controller":true}]"#
    }
}

/// A database of its own with one cluster, one environment and one instance, and a handler that works on it.
final class ResourceWorld {
    let url: String
    let connection: PostgresConnection
    let handler: ResourceHandler
    private var now: Int64 = 1_790_000_000_000_000

    private static let server = Mutex<PostgresServer?>(nil)

    init(epoch: Int64 = 1) throws {
        let name = "resource_\(UUID().uuidString.lowercased().prefix(13))"
        url = try Self.server.withLock { shared in
            let folder = "/tmp/domain-tests-\(UUID().uuidString.prefix(8))"
            let server = try shared ?? PostgresServer(folder: folder, durable: false, isTemporary: true)
            shared = server
            return try server.createDatabase(name)
        }
        connection = try PostgresConnection(PostgresConfiguration(url: url))
        try PostgresMigrator(fleetMigrations).migrate(connection)
        handler = ResourceHandler(fleetKey: try FleetKey(base64: FleetKey.random()), verifier: TrustingVerifier())
        try connection.script(
            """
            insert into project (project, name, created_at) values ('p', 'p', now());
            insert into cluster (cluster, name, epoch, created_at) values ('c1', 'c1', \(epoch), now());
            insert into environment (project, environment, cluster, namespace, state, created_at)
                values ('p', 'staging', 'c1', 'shop', 'active', now());
            insert into instance (environment_id, instance, application, cluster, namespace, desired_version, state,
                changed_at)
                select id, 'web-1', 'web', 'c1', 'shop', '1.0.0', 'operating', now() from environment;
            """
        )
    }

    /// What a batch came to: one outcome a message, and what was published.
    struct Result {
        let outcomes: [Outcome]
        let records: [OutboxRecord]

        /// The types of what was published to a topic.
        func types(_ topic: String) -> [String] {
            records.filter { $0.topic == topic }.map { record in
                let type = record.headers.first { $0.0 == "ce_type" }?.1
                return type.map { String(decoding: $0, as: UTF8.self) } ?? ""
            }
        }
    }

    /// A handler as a lane that begins has it.
    func freshHandler() throws -> ResourceHandler {
        ResourceHandler(fleetKey: try FleetKey(base64: FleetKey.random()), verifier: TrustingVerifier())
    }

    /// Handles messages as one batch in one transaction.
    @discardableResult
    func handle(_ messages: [KafkaMessageView]) throws -> Result { try handle(messages, by: handler) }

    /// Handles messages as one batch of the lane that has the handler.
    ///
    /// - Parameter isLost: Whether the transaction is rolled back in the end.
    @discardableResult
    func handle(
        _ messages: [KafkaMessageView],
        by handler: ResourceHandler,
        isLost: Bool = false
    ) throws -> Result {
        var entries: [Entry<ResourceMessage>] = []
        for message in messages { entries.append(Entry(try handler.decode(message), message: message)) }
        return try handle(entries, by: handler, isLost: isLost)
    }

    /// Handles decoded messages, as a lane that tries them once more.
    @discardableResult
    func handle(
        _ entries: [Entry<ResourceMessage>],
        by handler: ResourceHandler,
        isLost: Bool = false
    ) throws -> Result {
        now += 1_000_000
        let batch = Batch(entries, now: now)
        do {
            try connection.transaction { (transaction: borrowing PostgresTransaction) in
                // As a lane does; without it the handler asks by itself, so the tests go both ways.
                if !entries.count.isMultiple(of: 2) { try handler.prepare(entries, in: transaction) }
                try handler.handle(batch, in: transaction)
                if isLost { throw Lost() }
            }
        } catch is Lost {}
        return Result(outcomes: entries.map(\.outcome), records: batch.outbox.records)
    }

    private struct Lost: Error {}

    /// One line for each object that is there: kind, name, uid, health and revision.
    func objects() throws -> [String] {
        try connection.query(
            """
            select concat_ws(' ', kind, name, uid, health, revision) from resource where not gone
            order by kind collate "C", name collate "C"
            """
        ).map { try $0.string(0) }
    }

    /// Gives the instance an open command of which the agent said that it applied one Deployment.
    func openCommand(applied name: String, uid: String, generation: Int64) throws {
        let objects =
            #"[{"apiVersion":"apps/v1","kind":"Deployment","namespace":"shop","name":"\#(name)","uid":"\#(uid)","#
            + #""generation":\#(generation)}]"#
        try connection.query(
            """
            insert into command (id, operation, environment_id, instance_id, cluster, key, subject_kind, subject_name,
                project, environment, generation, state, revision, caller, request_source, request_id, request_type,
                objects, created_at, changed_at, deadline, step_seconds, settle_seconds, failure_seconds)
            select gen_random_uuid(), 'instance.deploy', environment_id, id, cluster, 'p/staging', 'instance', instance,
                'p', 'staging', 2, 'applied', 4, '/portal', '/portal', '1', 'slipway.instance.deploy.v1',
                $1, now(), now(), now(), '{60,300,600}', 10, 60
            from instance
            """,
            [.jsonb(Array(objects.utf8))]
        )
        try connection.script("update instance set generation = 2, open_command = (select id from command)")
    }

    /// A column of the open command that says since when something holds.
    func window(_ column: String) throws -> Int64? {
        try connection.query("select \(column) from command").only().optionalTimestamp(0)
    }

    /// The instance's health, ready pods, all pods and revision.
    func instance() throws -> String {
        try connection.query("select concat_ws(' ', health, pods_ready, pods_total, revision) from instance")
            .only().string(0)
    }
}
