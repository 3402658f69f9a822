import Foundation
import Kafka
import TestSupport
import Testing

/// Bad input gets a clear answer: which field, what is wrong, what would be right.
///
/// Nothing is dropped in silence.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let value: [UInt8]
        let code: String
        var field = ""
        var type = "slipway.project.create.v1"
        var key: String? = "shop"
        var testDescription: String { name }

        init(_ name: String, _ text: String, code: String, field: String = "") {
            self.init(name, bytes: Array(text.utf8), code: code, field: field)
        }

        init(_ name: String, bytes: [UInt8], code: String, field: String = "") {
            self.name = name
            value = bytes
            self.code = code
            self.field = field
        }

        func of(_ type: String, key: String? = "shop") -> Case {
            var copy = self
            copy.type = type
            copy.key = key
            return copy
        }
    }

    static let deep = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
    static let secretInClear =
        #"{"project":"shop","environment":"staging","secret":"db","data":{"password":"hunter2"}}"#
    static let rejected = [
        Case("not JSON", "this is not JSON", code: "not_json"),
        Case("not UTF-8", bytes: Array(#"{"project":"sh"#.utf8) + [0xFF, 0xFE] + Array(#""}"#.utf8), code: "not_utf8"),
        Case("10,000 levels deep", #"{"project":"shop","name":\#(deep)}"#, code: "too_deep"),
        Case("wrong type", #"{"project":5}"#, code: "wrong_type", field: "project"),
        Case("missing field", #"{"name":"Shop"}"#, code: "missing_field", field: "project"),
        Case("duplicate key", #"{"project":"shop","project":"shop"}"#, code: "duplicate_key", field: "project"),
        Case("NUL in a string", #"{"project":"shop","name":"a\u0000b"}"#, code: "nul_character", field: "name"),
        Case("a bad name", #"{"project":"Shop!"}"#, code: "invalid_name", field: "project").of(
            "slipway.project.create.v1",
            key: "Shop!"
        ),
        Case("empty", "", code: "empty"),
        Case("another key", #"{"project":"other"}"#, code: "key_mismatch", field: "key"),
        Case("unknown project", #"{"project":"none","application":"web"}"#, code: "unknown_project", field: "project")
            .of(
                "slipway.application.create.v1",
                key: "none"
            ),
        Case("an array", "[]", code: "wrong_type"),
        Case("a secret in clear", secretInClear, code: "not_sealed", field: "data.password").of(
            "slipway.secret.create.v1",
            key: "shop/staging"
        ),
    ]
    static let deadLettered = [
        Case("10 MB", #"{"project":"shop","name":"\#(String(repeating: "x", count: 10 << 20))"}"#, code: "too_large"),
        Case("unknown type", "{}", code: "unknown_type", field: "ce_type").of("slipway.nothing.happens.v1"),
        Case("no key", #"{"project":"shop"}"#, code: "missing_key", field: "key").of(
            "slipway.project.create.v1",
            key: nil
        ),
    ]
    /// Waits for a newer worker, without what nobody may keep in clear.
    static let parked = Case("a secret in clear of an unknown version", secretInClear, code: "unknown_version").of(
        "slipway.secret.create.v9",
        key: "vault/staging"
    )

    @Test func `each kind of bad input ends in a rejection or a dead letter with its reason, and the worker goes on`()
        throws
    {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 2)
        _ = try world.start("outbox-relay")
        let worker = try world.start("deployment-worker")
        for bad in Self.rejected + Self.deadLettered + [Self.parked] {
            // The mock broker keeps 5 MiB of a partition, so the huge one has a partition of its own.
            try world.send(
                "deployment.requests",
                key: bad.key,
                type: bad.type,
                id: bad.name,
                value: bad.value,
                partition: bad.value.count > 1 << 20 ? 1 : 0
            )
        }
        try world.request("project.create", key: "fine", id: "fine", #"{"project":"fine"}"#)
        _ = try eventually("the good request after them") {
            try world.number("select count(*) from command where state = 'succeeded'") == 1 ? true : nil
        }
        _ = try eventually("the huge one") {
            try world.number("select coalesce(sum(consumed), 0)::bigint from partition_claim where partition = 1") > 0
                ? true : nil
        }
        _ = try eventually("an empty outbox") { try world.number("select count(*) from outbox") == 0 ? true : nil }
        #expect(worker.isRunning)
        try expectRejections(world)
        try expectDeadLetters(world)
        #expect(try world.number("select sum(rejected)::bigint from partition_claim") == Int64(Self.rejected.count))
        #expect(
            try world.number("select sum(dead_lettered)::bigint from partition_claim") == Int64(Self.deadLettered.count)
        )
        #expect(
            try world.number(
                "select count(*) from parked_message where position('hunter2'::bytea in value) = 0"
            ) == 1
        )
        #expect(try world.ledgerCloses())
    }

    private func expectRejections(_ world: FleetWorld) throws {
        struct Result: Decodable {
            struct Request: Decodable { let id: String }
            struct Why: Decodable {
                let code: String
                let message: String
                let field: String?
            }
            let request: Request
            let state: String
            let reason: Why?
        }
        var reasons: [String: Result.Why] = [:]
        for message in try world.messages(on: "deployment.results") {
            let result = try JSONDecoder().decode(Result.self, from: Data(message.valueBytes ?? []))
            if result.state == "rejected" { reasons[result.request.id] = result.reason }
        }
        for bad in Self.rejected {
            guard let reason = reasons[bad.name] else {
                Issue.record("\(bad.name) got no answer")
                continue
            }
            #expect(reason.code == bad.code, "\(bad.name): \(reason.message)")
            #expect((reason.field ?? "") == bad.field, "\(bad.name)")
            #expect(reason.message.hasSuffix("."), "\(bad.name)")
        }
    }

    private func expectDeadLetters(_ world: FleetWorld) throws {
        var letters: [String: KafkaMessage] = [:]
        for message in try world.messages(on: "deployment.requests.dlt") {
            letters[message.header("ce_id") ?? ""] = message
            #expect(!String(decoding: message.valueBytes ?? [], as: UTF8.self).contains("hunter2"))
        }
        for bad in Self.deadLettered {
            let letter = letters[bad.name]
            let sentence = letter?.header("kafka_dlt-exception-message") ?? ""
            #expect(letter?.header("slipway-reason-code") == bad.code, "\(bad.name): \(sentence)")
            #expect(letter?.header("slipway-reason-field") ?? "" == bad.field, "\(bad.name): \(sentence)")
            #expect(sentence.hasSuffix("."), "\(bad.name): \(sentence)")
        }
    }
}
