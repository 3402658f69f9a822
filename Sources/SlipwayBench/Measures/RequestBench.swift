import Foundation
import Identity
import Kafka
import Postgres
import WorkerRuntime

/// Deployment requests: identity, validation, decision, ledger, result and the agent's message, with a backlog.
enum RequestBench {
    private static let environments = 96

    /// - Parameter instances: How many there are that nobody asks anything of.
    static func run(count: Int, lanes: Int = 1, beside instances: Int = 0) throws -> [Sample] {
        let world = try BenchWorld(BenchStock(instances: instances))
        try world.database.script(
            """
            insert into project_member values ('bench', 'ada', 'owner', now());
            insert into application (project, application, artifact, created_at) values ('bench', 'web', 'web', now());
            insert into version (artifact, version, image, event_source, event_id, recorded_at)
                values ('web', '1.0.0', 'registry.example/web:1.0.0', '/bench', '1', now());
            """
        )
        let keySet = world.folder + "/token-keys.json"
        let issuer = try TokenIssuer.create(privateKey: world.folder + "/token-key.pem", keySet: keySet)
        let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
        try produce(count, token: try issuer.token(for: "ada", at: now), world)
        try world.start("deployment-worker", [], ["SLIPWAY_TOKEN_KEYS": keySet, "SLIPWAY_LANES": String(lanes)])
        try world.start("outbox-relay")
        let progress = try Progress.follow(world, until: count)
        let accepted = try world.database.query("select count(*) from command where state = 'sent'").only().int64(0)
        guard accepted == count else { throw StartError("Of \(count) requests \(accepted) were sent on to the agent.") }
        let lanes = "\(lanes) lane\(lanes == 1 ? "" : "s")"
        let name = "deploy requests, \(lanes)" + (instances > 0 ? ", beside \(instances) instances" : "")
        let usage = world.usage(since: progress.before.usage)
        return [
            Sample(name, Double(progress.count) / progress.whole.seconds, "requests/s"),
            Sample("\(name): decided", Double(progress.count) / progress.consuming.seconds, "requests/s"),
            Sample("\(name): WAL", world.walBytes / Double(count), "bytes/request"),
        ] + usage.cpuSamples(of: name, perMillion: Double(progress.count))
            + usage.flatMap { $0.memorySamples(of: name) }
    }

    private static func produce(_ count: Int, token: String, _ world: BenchWorld) throws {
        let producer = try KafkaProducer(world.kafka)
        defer { producer.close() }
        for number in 0..<count { try producer.sendWaiting(message(number, token: token), tag: UInt64(number)) }
        _ = try producer.flush(timeout: .seconds(60))
    }

    /// A request for an instance of its own.
    static func message(_ number: Int, token: String) -> KafkaRecord {
        let environment = "e\(number % environments)"
        let body =
            #"{"project":"bench","environment":"\#(environment)","application":"web","version":"1.0.0","#
            + #""instance":"web-\#(number / environments)","values":"replicaCount: 2\n"}"#
        return KafkaRecord(
            topic: "slipway.deployment.requests",
            partition: Int32(number % environments % BenchWorld.partitions),
            key: Array("bench/\(environment)".utf8),
            value: Array(body.utf8),
            headers: [
                KafkaHeader("ce_specversion", "1.0"), KafkaHeader("ce_id", "\(number)"),
                KafkaHeader("ce_source", "/bench"), KafkaHeader("ce_type", "slipway.instance.deploy.v1"),
                KafkaHeader("content-type", "application/json"), KafkaHeader("authorization", "Bearer \(token)"),
            ]
        )
    }
}
