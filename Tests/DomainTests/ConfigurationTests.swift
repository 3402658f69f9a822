import Testing
import WorkerRuntime

@testable import Domain

/// What config maps and secrets may be, and what they become.
@Suite struct ConfigurationTests {

    static let keys: [(String, String?)] = [
        ("a", nil), ("A.b-c_1", nil), (".env", nil), (".dockerconfigjson", nil),
        (String(repeating: "k", count: 253), nil),
        ("", "invalid_key"), (".", "invalid_key"), ("..", "invalid_key"), ("..a", "invalid_key"),
        ("a/b", "invalid_key"),
        ("a b", "invalid_key"), ("ä", "invalid_key"), (String(repeating: "k", count: 254), "invalid_key"),
    ]

    @Test(arguments: keys) func `keys are what Kubernetes takes, in secrets too`(_ key: String, _ code: String?) throws
    {
        let plain = try refusal { try ConfigMapSpec(data: [key: "x"]).check() }
        let sealed = try refusal { _ = try SecretSpec(data: [key: sealedText]).checked() }
        #expect(plain?.code == code && sealed?.code == code)
        if let plain {
            #expect(plain == sealed && plain.field == "data")
            expectSentence(plain)
        }
    }

    static let configMaps = [
        SpecCase("the least", #"{"data":{"a":""}}"#),
        SpecCase("a description", #"{"description":"\#(String(repeating: "é", count: 200))","data":{"a":""}}"#),
        SpecCase(
            "too long a description",
            #"{"description":"\#(String(repeating: "é", count: 201))","data":{"a":""}}"#,
            "invalid_field",
            "description"
        ),
        SpecCase("no description", #"{"description":"","data":{"a":""}}"#),
        SpecCase(
            "too long a description, in which two code points make a character",
            #"{"description":"\#(String(repeating: "e\u{301}", count: 101))","data":{"a":""}}"#,
            "invalid_field",
            "description"
        ),
        SpecCase("nothing", #"{"data":{}}"#, "invalid_field", "data"),
        SpecCase("no data", "{}", "missing_field", "data"),
        SpecCase("a number", #"{"data":{"a":1}}"#, "wrong_type", "data.a"),
        SpecCase("a key twice", #"{"data":{"a":"1","a":"2"}}"#, "duplicate_key", "data.a"),
    ]

    @Test(arguments: configMaps) func `a config map's mistake is told with its field`(_ line: SpecCase) throws {
        try line.check(ConfigMapSpec.self) { try $0.check() }
    }

    @Test func `the size is counted with the keys, and leaves room in the message`() throws {
        let room = DataKeys.maximumBytes - 1
        #expect(try refusal { try ConfigMapSpec(data: ["k": String(repeating: "x", count: room)]).check() } == nil)
        let reason = try refusal { try ConfigMapSpec(data: ["k": String(repeating: "x", count: room + 1)]).check() }
        #expect(reason?.code == "too_large" && reason?.field == "data")
        #expect(DataKeys.maximumBytes < 1024 * 1024)
    }

    static func secret(_ type: String, _ keys: [String], _ code: String? = nil, _ field: String = "data") -> SpecCase {
        let data = keys.map { #""\#($0)":"\#(sealedText)""# }.joined(separator: ",")
        let json = #"{"type":"\#(type)","data":{\#(data)}}"#
        let name = "\(type) with \(keys.joined(separator: ", "))"
        return code.map { SpecCase(name, json, $0, field) } ?? SpecCase(name, json)
    }

    static let secrets = [
        SpecCase("the least", #"{"data":{"a":"\#(sealedText)"}}"#),
        SpecCase("in clear", #"{"data":{"a":"hunter2"}}"#, "not_sealed", "data.a"),
        SpecCase("damaged", #"{"data":{"a":"\#(sealedText)","b":"sealed:v1:x:!"}}"#, "sealed_malformed", "data.b"),
        SpecCase("of another version", #"{"data":{"a":"sealed:v9:x:y"}}"#, "sealed_malformed", "data.a"),
        SpecCase("nothing", #"{"data":{}}"#, "invalid_field", "data"),
        secret("Opaque", ["a"]), secret("example.org/mine", ["a"]),
        secret("", ["a"], "invalid_field", "type"), secret("a b", ["a"], "invalid_field", "type"),
        secret("kubernetes.io/service-account-token", ["a"], "invalid_field", "type"),
        secret("kubernetes.io/tls", ["tls.crt", "tls.key"]), secret("kubernetes.io/tls", ["tls.crt"], "missing_key"),
        secret("kubernetes.io/basic-auth", ["password"]), secret("kubernetes.io/basic-auth", ["user"], "missing_key"),
        secret("kubernetes.io/dockerconfigjson", [".dockerconfigjson"]),
        secret("kubernetes.io/dockerconfigjson", ["a"], "missing_key"),
        secret("kubernetes.io/ssh-auth", ["a"], "missing_key"), secret("kubernetes.io/dockercfg", ["a"], "missing_key"),
    ]

    @Test(arguments: secrets) func `a secret's mistake is told with its field`(_ line: SpecCase) throws {
        try line.check(SecretSpec.self) { _ = try $0.checked() }
    }

    @Test func `a value in clear is never quoted`() throws {
        let reason = try #require(try refusal { _ = try SecretSpec(data: ["a": "hunter2"]).checked() })
        #expect(!reason.sentence.contains("hunter2"))
    }

    @Test func `a config map becomes a ConfigMap`() throws {
        let map = ConfigMapManifest.make(
            ConfigMapSpec(description: "x", data: ["b": "2\n", "a": "1"]),
            head: head(.configMap, "settings")
        )
        #expect(
            text(map)
                == #"{"apiVersion":"v1","kind":"ConfigMap",\#(metadata("config-map", "settings")),"data":{"a":"1","b":"2\n"}}"#
        )
    }
}
