import Foundation
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What a request's form gets wrong is told with the field and what would be right.
@Suite struct RequestDecoderTests {
    let decoder: RequestDecoder

    init() throws {
        let fleetKey = try FleetKey(base64: Data(repeating: 7, count: 32).base64EncodedString())
        decoder = RequestDecoder(requestKey: fleetKey.requestKey, callers: NamedCallers())
    }

    private func decode(
        _ type: String,
        key: String? = "shop/staging",
        _ body: String,
        headers: [(String, String)] = []
    ) throws -> RequestInput {
        try decoder.decode(
            KafkaMessageView(
                topic: "deployment.requests",
                key: key,
                headers: [
                    ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/portal"), ("ce_type", type),
                    ("content-type", "application/json"),
                ] + headers,
                value: Array(body.utf8)
            )
        )
    }

    private func reason(_ type: String, key: String? = "shop/staging", _ body: String) throws -> Reason? {
        switch try decode(type, key: key, body).body {
        case .success: nil
        case .failure(let reason): reason
        }
    }

    static let wrong: [(String, String, String)] = [
        (#""version":5"#, "wrong_type", "version"),
        (#""version":null"#, "missing_field", "version"),
        (#""version":"""#, "invalid_field", "version"),
        (#""version":"1","version":"2""#, "duplicate_key", "version"),
        (#""version":"a\u0000b""#, "nul_character", "version"),
        (#""version":"1","instance":"Web""#, "invalid_name", "instance"),
        (#""version":"1","instance":"-web""#, "invalid_name", "instance"),
        (#""version":"1","instance":"w\#(String(repeating: "e", count: 53))""#, "invalid_name", "instance"),
        (#""version":"1","timeoutSeconds":9"#, "invalid_field", "timeoutSeconds"),
        (#""version":"1","timeoutSeconds":86401"#, "invalid_field", "timeoutSeconds"),
        (#""version":"1","timeoutSeconds":1.5"#, "wrong_type", "timeoutSeconds"),
        (#""version":"1","values":"- a list""#, "invalid_yaml", "values"),
        (#""version":"1","values":"a: [""#, "invalid_yaml", "values"),
        (#""version":"1","values":"a: 1\na: 2""#, "invalid_yaml", "values"),
        (#""version":"1","values":"a: 1\n---\nb: 2""#, "invalid_yaml", "values"),
        (#""version":"1","values":"\#(String(repeating: "x", count: 262_145))""#, "too_large", "values"),
    ]

    @Test(arguments: wrong)
    func `a wrong field is named`(fields: String, code: String, field: String) throws {
        let instance = fields.contains("instance") ? "" : #","instance":"web""#
        let body = #"{"project":"shop","environment":"staging","application":"web"\#(instance),\#(fields)}"#
        let reason = try #require(try reason("slipway.instance.deploy.v1", body))
        #expect(reason.code == code, "\(reason.sentence.prefix(300))")
        #expect(reason.field == field)
        #expect(reason.sentence.hasSuffix("."))
        #expect(reason.sentence.utf8.count < 400)
    }

    @Test func `values that are nested too deep or grow too much are refused`() throws {
        func reason(_ values: String) throws -> Reason? {
            let text = String(decoding: try JSONEncoder().encode(values), as: UTF8.self)
            return try self.reason("slipway.instance.deploy.v1", CommandWorld.deployment("1", #""values":\#(text)"#))
        }
        let depth = 100_000
        let flow = "a: " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(try reason(flow)?.code == "invalid_yaml")
        #expect(try reason(String(repeating: "- ", count: depth) + "a")?.code == "invalid_yaml")
        #expect(try reason(String(repeating: "? ", count: depth) + "a")?.code == "invalid_yaml")
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            bomb += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(try reason(bomb)?.code == "too_large")
        #expect(try reason("base: &base {replicas: 2}\nweb: *base\n") == nil)
    }

    @Test(arguments: [
        ("slipway.project.create.v1", "other", #"{"project":"shop"}"#),
        ("slipway.cluster.register.v1", "other", #"{"cluster":"c1"}"#),
        ("slipway.environment.create.v1", "shop", #"{"project":"shop","environment":"staging","cluster":"c1"}"#),
        ("slipway.application.create.v1", "shop/staging", #"{"project":"shop","application":"web"}"#),
        (
            "slipway.autodeploy.create.v1", "shop/dev",
            #"{"project":"shop","environment":"staging","application":"web","instance":"web"}"#
        ),
        ("slipway.instance.deploy.v1", "shop/dev", CommandWorld.deployment("1")),
        (
            "slipway.instance.upgrade.v1", "shop",
            #"{"project":"shop","environment":"staging","instance":"web","version":"1"}"#
        ),
    ])
    func `a key that contradicts the body is rejected`(type: String, key: String, body: String) throws {
        let reason = try #require(try reason(type, key: key, body))
        #expect(reason.code == "key_mismatch")
        #expect(reason.field == "key")
    }

    @Test func `a range that is none is rejected with its field`() throws {
        let body =
            #"{"project":"shop","environment":"staging","application":"web","instance":"web","versions":">=x"}"#
        let reason = try #require(try reason("slipway.autodeploy.create.v1", body))
        #expect(reason.field == "versions")
    }

    @Test(
        arguments: [
            ("slipway.instance.destroy.v1", "shop", "unknown_type"),
            ("slipway.instance.deploy", "shop", "unknown_type"), ("com.example.thing", "shop", "unknown_type"),
            ("slipway.instance.deploy.v1", nil, "missing_key"),
            ("slipway.instance.deploy.v1", String(repeating: "k", count: 20_001), "too_large"),
        ] as [(String, String?, String)]
    )
    func `what is not known here is dead-lettered with its reason`(type: String, key: String?, code: String) throws {
        let refusal = #expect(throws: Refusal.self) { _ = try decode(type, key: key, "{}") }
        guard case .deadLetter(let reason)? = refusal else {
            Issue.record("it was not dead-lettered")
            return
        }
        #expect(reason.code == code)
    }

    @Test func `fields that are not known are ignored`() throws {
        #expect(try reason("slipway.project.create.v1", key: "shop", #"{"project":"shop","colour":"red"}"#) == nil)
    }

    @Test(arguments: [
        ("autodeploy.create", "auto-deploy"), ("container.listen", "command"), ("container.logs", "container"),
        ("config-map.create", "config-map"), ("environment-group.create", "environment-group"),
    ])
    func `a rejection names the kind of its subject as an acceptance does`(operation: String, kind: String) throws {
        #expect(try decode("slipway.\(operation).v1", "{}").identity.subjectKind == kind)
    }

    @Test func `a rejection repeats who asked for what, as far as it could be read`() throws {
        let input = try decode(
            "slipway.instance.deploy.v1",
            "not JSON",
            headers: [("ce_subject", "shop/staging/web-1")]
        )
        #expect(input.identity.subjectKind == "instance")
        #expect(input.identity.subjectName == "web-1")
        #expect(input.identity.id == "1")
    }
}
