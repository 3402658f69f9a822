import Domain
import Foundation
import Kafka
import TestSupport
import Testing

/// Bad input of release events, agents and observed objects: each ends as a dead letter with its reason, the field and a
/// sentence, and the worker goes on.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct BadInputOfWorkersTests {
    struct Bad: Sendable {
        var id: String
        var topic: String
        var key: String? = "web"
        var type: String
        var value: [UInt8]
        var code: String
        var field = ""
        var contentType = "application/json"
        /// Whether it is signed as the cluster's agent would sign it.
        var isSigned: Bool { topic != "release.events" }

        init(_ id: String, _ topic: String, _ type: String, _ text: String, code: String, field: String = "") {
            (self.id, self.topic, self.type, value) = (id, topic, type, Array(text.utf8))
            (self.code, self.field) = (code, field)
        }

        func changed(_ change: (inout Bad) -> Void) -> Bad {
            var copy = self
            change(&copy)
            return copy
        }
    }

    private static let published = "dev.cdevents.artifact.published.0.3.0"
    private static func release(_ id: String, _ text: String, code: String, field: String = "") -> Bad {
        Bad(id, "release.events", published, text, code: code, field: field)
    }

    private static func structured(_ id: String, _ text: String, code: String, field: String = "") -> Bad {
        release(id, text, code: code, field: field).changed { $0.contentType = "application/cloudevents+json" }
    }

    private static let releases = [
        release("not JSON", "no", code: "not_json"),
        release("10,000 levels deep", BadInputTests.deep, code: "too_deep"),
        release("not UTF-8", "", code: "not_utf8").changed { $0.value = [0x22, 0xFF, 0x22] },
        release("wrong type", #"{"context":5,"subject":{}}"#, code: "wrong_type", field: "context"),
        release("missing field", "{}", code: "missing_field", field: "context"),
        release("duplicate key", #"{"context":{},"context":{}}"#, code: "duplicate_key", field: "context"),
        release("NUL", #"{"context":{"id":"\u0000"}}"#, code: "nul_character", field: "context.id"),
        release("unknown type", "{}", code: "unknown_type", field: "ce_type").changed {
            $0.type = "dev.nothing.at.all"
        },
        structured("structured, not JSON", "{", code: "not_json"),
        structured(
            "structured, without a type",
            #"{"specversion":"1.0","id":"1","source":"/ci"}"#,
            code: "missing_attribute",
            field: "type"
        ),
        structured(
            "structured, of 0.3",
            #"{"specversion":"0.3","id":"1","source":"/ci","type":"t"}"#,
            code: "wrong_specversion",
            field: "specversion"
        ),
    ]

    private static let heartbeat = "slipway.agent.heartbeat.v1"
    private static func status(_ id: String, _ text: String, code: String, field: String = "") -> Bad {
        Bad(id, "agent.status", heartbeat, text, code: code, field: field).changed { $0.key = "test" }
    }

    private static func object(_ id: String, _ text: String, code: String, field: String = "") -> Bad {
        Bad(id, "resource.changes", "slipway.resource.changed.v1", text, code: code, field: field)
            .changed { $0.key = "test/other" }
    }

    private static let statuses = [
        status("agent: not JSON", "no", code: "not_json"),
        status("agent: 10,000 levels deep", BadInputTests.deep, code: "too_deep"),
        status("agent: wrong type", "[]", code: "wrong_type"),
        status("agent: unknown type", "{}", code: "unknown_type", field: "ce_type").changed {
            $0.type = "slipway.agent.sings.v1"
        },
        status("agent: of no cluster", #"{"boot":"b"}"#, code: "unknown_cluster", field: "cluster").changed {
            $0.key = "nowhere"
        },
    ]
    private static let objects = [
        object("object: not JSON", "no", code: "not_json", field: "data"),
        object("object: 10,000 levels deep", BadInputTests.deep, code: "too_deep", field: "data"),
        object("object: not UTF-8", "", code: "not_utf8", field: "data").changed { $0.value = [0x22, 0xFF, 0x22] },
        object("object: missing field", "{}", code: "missing_field", field: "kind"),
        object("object: wrong type", #"{"kind":7}"#, code: "wrong_type", field: "kind"),
        object("object: NUL", #"{"kind":"\u0000"}"#, code: "nul_character", field: "data"),
        object("object: unknown type", "{}", code: "unknown_type", field: "ce_type").changed {
            $0.type = "slipway.resource.sung.v1"
        },
        object("object: no key", "{}", code: "invalid_message", field: "key").changed { $0.key = nil },
    ]

    @Test func `each worker answers bad input with a dead letter that says which field and what is right, and goes on`()
        throws
    {
        let fleet = EndToEndTests()
        let (world, agent) = try fleet.makeFleet()
        let epoch = try world.number("select epoch from cluster")
        let all = Self.releases + Self.statuses + Self.objects
        for (place, bad) in all.enumerated() { try send(bad, world, epoch: epoch, sequence: Int64(place + 1)) }
        try fleet.release("1.0.0", world)
        try fleet.waitFor(
            "the good release after them",
            world,
            "select count(*) from version where artifact = 'web'",
            1
        )
        try fleet.deploy(world)
        try fleet.waitFor(
            "the good deploy after them",
            world,
            "select count(*) from instance where state = 'running'",
            1
        )
        try fleet.waitFor(
            "the dead letters",
            world,
            "select coalesce(sum(dead_lettered), 0)::bigint from partition_claim",
            Int64(all.count)
        )
        try fleet.waitFor("an empty outbox", world, "select count(*) from outbox", 0)
        for topic in ["release.events", "agent.status", "resource.changes"] { try expectDeadLetters(topic, all, world) }
        #expect(try world.ledgerCloses())
        #expect(agent.isRunning)
    }

    private func send(_ bad: Bad, _ world: FleetWorld, epoch: Int64, sequence: Int64) throws {
        var headers: [(String, String)] = [("content-type", bad.contentType)]
        if bad.isSigned {
            let key = try FleetKey(base64: world.environment["SLIPWAY_FLEET_KEY"] ?? "")
            let parts = bad.value.withUnsafeBytes { value in
                SignedParts(
                    .fromAgent,
                    topic: bad.topic,
                    key: bad.key ?? "",
                    type: bad.type,
                    source: "/test",
                    id: bad.id,
                    subject: nil,
                    time: nil,
                    epoch: epoch,
                    sequence: sequence,
                    value: value
                )
            }
            let signer = key.clusterKey(bad.key == "nowhere" ? "nowhere" : "test", keyID: 1)
            headers += [
                ("ce_epoch", String(epoch)), ("ce_sequence", String(sequence)),
                (MessageSignature.header, signer.sign(parts, keyID: 1)),
            ]
        }
        try world.send(bad.topic, key: bad.key, type: bad.type, id: bad.id, headers: headers, value: bad.value)
    }

    private func expectDeadLetters(_ topic: String, _ all: [Bad], _ world: FleetWorld) throws {
        var letters: [String: KafkaMessage] = [:]
        for message in try world.messages(on: topic + ".dlt") { letters[message.header("ce_id") ?? ""] = message }
        for bad in all where bad.topic == topic {
            guard let letter = letters[bad.id] else {
                Issue.record("\(bad.id) has no dead letter")
                continue
            }
            let sentence = letter.header("kafka_dlt-exception-message") ?? ""
            #expect(letter.header("slipway-reason-code") == bad.code, "\(bad.id): \(sentence)")
            #expect(letter.header("slipway-reason-field") ?? "" == bad.field, "\(bad.id): \(sentence)")
            #expect(sentence.hasSuffix("."), "\(bad.id): \(sentence)")
        }
    }
}
