import Foundation
import Testing
import WorkerRuntime

@testable import Domain

/// Two values are compared by what they say.
@Suite struct ValuesDiffTests {
    private func diff(_ old: String, _ new: String, _ paths: Set<String> = []) throws -> [String] {
        try ValuesDiff.between(old, new, confidential: ConfidentialValues(paths: paths)).changes.map { change in
            switch change.kind {
            case .added: "+ \(change.path) \(change.new ?? "?")\(change.old == nil ? "" : "!")"
            case .removed: "- \(change.path) \(change.old ?? "?")\(change.new == nil ? "" : "!")"
            case .changed: "~ \(change.path) \(change.old ?? "?") -> \(change.new ?? "?")"
            }
        }
    }

    static let equal: [(String, String)] = [
        ("", ""), ("", "# only a comment\n"), ("", "{}"), ("a: 1", "a:   1 # one"),
        ("a: 1\nb: 2", "b: 2\na: 1"), ("a: x", "a: \"x\""), ("a: x", "a: 'x'"),
        ("a: {b: [1, 2]}", "a:\n  b:\n    - 1\n    - 2"),
        ("a: 1", "a: 1.0"), ("a: 16", "a: 0x10"), ("a: true", "a: yes"), ("a: ~", "a:"), ("a: null", "a: Null"),
        ("a: |\n  x\n", "a: \"x\\n\""), ("x: &x {a: 1}\ny: *x", "x: {a: 1}\ny: {a: 1}"),
        ("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3", "x: {a: 1, b: 2}\ny: {a: 1, b: 3}"), ("1: a", "\"1\": a"),
        ("a: 2026-11-23", "a: \"2026-11-23\""), ("a: .nan", "a: .nan"), ("a: 10:30", "a: \"10:30\""),
    ]

    @Test(arguments: equal) func `equal trees are no change, whatever the text`(_ old: String, _ new: String) throws {
        #expect(try diff(old, new) == [])
        #expect(try diff(new, old) == [])
    }

    static let different: [(String, String, [String])] = [
        ("", "a: 1", ["+ a 1"]), ("a: 1", "", ["- a 1"]), ("a: 1", "a: 2", ["~ a 1 -> 2"]),
        ("a: 10:30", "a: 630", ["~ a \"10:30\" -> 630"]),
        ("a: 1", "a: \"1\"", ["~ a 1 -> \"1\""]), ("a: true", "a: \"true\"", ["~ a true -> \"true\""]),
        ("a: 1", "a:", ["~ a 1 -> null"]), ("", "a:", ["+ a null"]), ("a: 1.5", "a: 2", ["~ a 1.5 -> 2"]),
        ("a: {b: 1}", "a: {b: 2, c: 3}", ["~ a.b 1 -> 2", "+ a.c 3"]),
        ("a: {}", "a: {b: 1}", ["+ a.b 1"]), ("", "a: {}", ["+ a {}"]), ("a: []", "a: {}", ["~ a [] -> {}"]),
        ("a: [1, 2]", "a: [1, 3, 4]", ["~ a[1] 2 -> 3", "+ a[2] 4"]), ("a: [1, 2]", "a: [1]", ["- a[1] 2"]),
        ("a: 1", "a: {b: 1}", ["- a 1", "+ a.b 1"]), ("a: {b: {c: 1}}", "a: x", ["- a.b.c 1", "+ a \"x\""]),
        ("b: 1\na: 1", "", ["- a 1", "- b 1"]), ("", "a: \"x\\\"y\\n\"", [#"+ a "x\"y\n""#]),
        ("", "a: {\"example.org/b\": 1}", [#"+ a["example.org/b"] 1"#]), ("", "\"\": 1", [#"+ [""] 1"#]),
    ]

    @Test(arguments: different)
    func `differences are told path by path`(_ old: String, _ new: String, _ wanted: [String]) throws {
        #expect(try diff(old, new) == wanted)
    }

    static let confidential: [(String, String, [String])] = [
        ("password: a", "password: b", ["~ password (confidential) -> (confidential)"]),
        ("", "dbPassword: a", ["+ dbPassword (confidential)"]),
        ("db_pass_word: a", "", ["- db_pass_word (confidential)"]),
        ("", "auth: {pass: a}", ["+ auth.pass (confidential)"]), ("", "SMTP_PASS: a", ["+ SMTP_PASS (confidential)"]),
        ("", "headers: {Authorization: a}", ["+ headers.Authorization (confidential)"]),
        ("", "basicAuth: \"bob:a\"", ["+ basicAuth (confidential)"]),
        ("", "api-key: 1", ["+ api-key (confidential)"]), ("", "accessToken: a", ["+ accessToken (confidential)"]),
        ("", "AWS_SECRET_ACCESS_KEY: a", ["+ AWS_SECRET_ACCESS_KEY (confidential)"]),
        ("", "secrets: {a: {b: [x]}}", ["+ secrets.a.b[0] (confidential)"]),
        (
            "", "env: [{name: DB_PASSWORD, value: x}]",
            ["+ env[0].name \"DB_PASSWORD\"", "+ env[0].value (confidential)"]
        ),
        ("env: [{name: A, value: x}]", "env: [{name: TOKEN, value: x}]", ["~ env[0].name \"A\" -> \"TOKEN\""]),
        ("", "url: postgres://u:p@db/x", ["+ url (confidential)"]),
        ("", "url: https://example.org/a@b:c", ["+ url \"https://example.org/a@b:c\""]),
        ("", "hosts: \"http://a.example amqp://u:p@mq\"", ["+ hosts (confidential)"]),
        ("", "hosts: http://a.example,amqp://u:p@mq", ["+ hosts (confidential)"]),
        ("", "url: jdbc:postgresql://db/x?user=u&password=p", ["+ url (confidential)"]),
        ("", "url: jdbc:sqlserver://db;user=u;password=p", ["+ url (confidential)"]),
        ("", "url: https://example.org/a?page=2&b", ["+ url \"https://example.org/a?page=2&b\""]),
        ("", "pem: \"-----BEGIN EC PRIVATE KEY-----\"", ["+ pem (confidential)"]),
        ("", "image: web", ["+ image \"web\""]),
        ("", "args: [--db-password=p]", ["+ args[0] (confidential)"]),
        (
            "", "args: [--token, t, --port, \"80\"]",
            ["+ args[0] \"--token\"", "+ args[1] (confidential)", "+ args[2] \"--port\"", "+ args[3] \"80\""]
        ),
        ("", "db: host=db user=u password=p", ["+ db (confidential)"]),
        ("", "config: |\n  db.user = u\n  db.password = p\n", ["+ config (confidential)"]),
        ("", "config: |\n  db:\n    user: u\n    password: p\n", ["+ config (confidential)"]),
        ("", "config: '{\"user\":\"u\",\"password\":\"p\"}'", ["+ config (confidential)"]),
        ("config: \"API_KEY=a\"", "config: \"A=b\"", ["~ config (confidential) -> \"A=b\""]),
        ("", "image: quay.io/keycloak:21", ["+ image \"quay.io/keycloak:21\""]),
        ("", "when: a key == b", ["+ when \"a key == b\""]),
    ]

    @Test(arguments: confidential)
    func `confidential values are never shown`(_ old: String, _ new: String, _ wanted: [String]) throws {
        #expect(try diff(old, new) == wanted)
    }

    @Test func `paths that the caller lists are confidential with all that stands under them`() throws {
        let new = "a: {b: {c: x}, d: [{e: y}, {e: z}]}"
        #expect(
            try diff("", new, ["a.b", "a.d[1]"]) == [
                "+ a.b.c (confidential)", "+ a.d[0].e \"y\"", "+ a.d[1].e (confidential)",
            ]
        )
    }

    @Test func `long texts are cut`() throws {
        let found = try diff("", "a: \(String(repeating: "x", count: 201))")
        #expect(found == ["+ a \"\(String(repeating: "x", count: 200))\"… (201 characters)"])
    }

    @Test func `values that cannot be read are told by the name of their field`() throws {
        #expect(try refusal { _ = try diff("a: [", "") }?.field == "old values")
        let reason = try #require(try refusal { _ = try diff("", "? [a, b]\n: 1") })
        #expect(reason.field == "values" && reason.sentence.contains("line 1"))
    }

    /// Values that are accepted, and whether they are.
    static let texts: [(String, Bool)] = [
        ("", true), ("# nothing", true), ("a: 1", true), ("1: a\n\"1\": b", true), ("- a", false),
        ("just a text", false),
        ("a: [1, 2\nb: 3", false), ("a: 1\nb: c: d\ne: 2", false), ("a: 1\na: 2", false), ("a: *x", false),
        ("a: 1\n---\nb: 2", false), ("\ta: 1", false), ("a: \"open", false), ("a: \u{7}", false),
    ]

    @Test(arguments: texts) func `values are one YAML mapping or nothing`(_ text: String, _ isAccepted: Bool) throws {
        let reason = try refusal { try ValuesYAML.check(text, field: "values") }
        #expect((reason == nil) == isAccepted, "\(String(describing: reason))")
        #expect(reason?.field == (isAccepted ? nil : "values"))
    }

    @Test func `what is wrong is told with its line, and without the values`() throws {
        let reason = try #require(try refusal { try ValuesYAML.check("b: 1\na: hunter2: c", field: "values") })
        #expect(reason.code == "invalid_yaml" && reason.sentence.contains("line 2"))
        #expect(!reason.sentence.contains("hunter2"))
    }
}

/// The values of a deployment, as `slipway explain --values` shows them.
@Suite struct ShownValueTests {
    @Test func `what is confidential by its name is not shown, the rest is, path by path`() throws {
        let merged = "image: {tag: v2}\ndb: {user: shop, password: hunter2}\napiKey: k-123\nauth: {token: t-9}\n"
        let desired = ["application": "web", "version": "v2", "values": "", "mergedValues": merged]
        let json = Array(try JSONEncoder().encode(desired))
        let shown = try #require(ShownValue.all(ofDesired: json))
        let texts = shown.map { "\($0.path)=\($0.value ?? "-")" }
        let masked = ["apiKey", "auth.token", "db.password"].map { "\($0)=(confidential)" }
        #expect(texts == masked + ["db.user=\"shop\"", "image.tag=\"v2\""])
    }

    @Test func `values that cannot be read are not passed off as none`() {
        #expect(ShownValue.all(ofDesired: Array("{}".utf8)) == nil)
        #expect(ShownValue.all(ofDesired: Array("not json".utf8)) == nil)
        #expect(ShownValue.differences(Array("7".utf8)) == nil)
        #expect(ShownValue.differences(Array("[]".utf8)) == [])
    }
}

/// Names that are made for instances.
@Suite struct GeneratedInstanceNameTests {
    static let cases: [(String, [UInt8], String)] = [
        ("web", [0, 0, 0, 0, 0, 0, 0, 0], "web-bbbbb"), ("web", [0, 0, 0, 0, 0, 0, 0, 28], "web-ccbbb"),
        ("web", [], "web-bbbbb"),
        (String(repeating: "a", count: 63), [0], String(repeating: "a", count: 47) + "-bbbbb"),
        (String(repeating: "a", count: 46) + "-b", [0], String(repeating: "a", count: 46) + "-bbbbb"),
    ]

    @Test(arguments: cases)
    func `a name is made of the application and random bytes`(_ application: String, _ bytes: [UInt8], _ name: String) {
        #expect(GeneratedInstanceName.make(application: application, random: bytes) == name)
    }

    @Test func `every name is one that an instance may have`() {
        var names: Set<String> = []
        for round in 0..<200 {
            let bytes = withUnsafeBytes(of: UInt64(round) &* 0x9E37_79B9_7F4A_7C15) { Array($0) }
            let name = GeneratedInstanceName.make(application: "shop-web", random: bytes)
            #expect(KubernetesSyntax.isLabel(name, limit: 53))
            names.insert(name)
        }
        #expect(names.count == 200)
    }
}
