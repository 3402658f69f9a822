import Testing
import WorkerRuntime

@testable import Domain

/// What a network may be.
@Suite struct NetworkSpecTests {
    static let one = #""target":{"instances":["web-1"]}"#
    static let plain = #""ports":[{"port":80}]"#

    static func ports(
        _ description: String,
        _ ports: String,
        _ code: String,
        _ field: String,
        type: String = "NodePort"
    )
        -> SpecCase
    {
        SpecCase(description, #"{"type":"\#(type)",\#(one),"ports":\#(ports)}"#, code, field)
    }

    static func target(_ description: String, _ target: String, _ code: String, _ field: String) -> SpecCase {
        SpecCase(description, #"{"target":\#(target),\#(plain)}"#, code, field)
    }

    static let many = String(repeating: #"{"port":1},"#, count: 100) + #"{"port":1}"#

    static let general = [
        SpecCase("the least", "{\(one),\(plain)}"),
        SpecCase(
            "no such type",
            #"{"type":"ExternalName",\#(one),\#(plain)}"#,
            "invalid_field",
            "type",
            says: "it should be ClusterIP, NodePort or LoadBalancer"
        ),
        SpecCase("no target", "{\(plain)}", "missing_field", "target"),
        SpecCase(
            "external address of a node port",
            "{\"type\":\"NodePort\",\"externalIPs\":[\"192.0.2.1\"],\(one),\(plain)}",
            "invalid_field",
            "externalIPs"
        ),
        SpecCase(
            "external address of a cluster address",
            "{\"externalIPs\":[\"192.0.2.1\",\"2001:db8::1\"],\(one),\(plain)}"
        ),
        SpecCase("no address", "{\"externalIPs\":[\"192.0.2\"],\(one),\(plain)}", "invalid_field", "externalIPs[0]"),
        SpecCase(
            "addresses in one text",
            "{\"externalIPs\":[\"192.0.2.1,192.0.2.2\"],\(one),\(plain)}",
            "invalid_field",
            "externalIPs[0]"
        ),
        SpecCase(
            "an address of the host itself",
            "{\"externalIPs\":[\"127.0.0.1\"],\(one),\(plain)}",
            "invalid_field",
            "externalIPs[0]"
        ),
        SpecCase(
            "an address twice",
            "{\"externalIPs\":[\"2001:db8::1\",\"2001:DB8:0::1\"],\(one),\(plain)}",
            "duplicate",
            "externalIPs[1]"
        ),
        SpecCase(
            "an annotation without a name",
            "{\"annotations\":{\"a b\":\"\"},\(one),\(plain)}",
            "invalid_key",
            "annotations"
        ),
        SpecCase(
            "an annotation of the fleet's",
            "{\"annotations\":{\"x.slipway.io/a\":\"\"},\(one),\(plain)}",
            "reserved_key",
            "annotations"
        ),
        SpecCase(
            "an annotation by which helm knows its own",
            "{\"annotations\":{\"meta.helm.sh/release-name\":\"web\"},\(one),\(plain)}",
            "reserved_key",
            "annotations"
        ),
        SpecCase(
            "an annotation by which cert-manager knows its own",
            "{\"annotations\":{\"cert-manager.io/certificate-name\":\"web\"},\(one),\(plain)}",
            "reserved_key",
            "annotations"
        ),
        SpecCase(
            "another annotation of cert-manager's",
            "{\"annotations\":{\"cert-manager.io/issuer\":\"le\"},\(one),\(plain)}"
        ),
        SpecCase(
            "an annotation too many",
            "{\"annotations\":{\"a\":\"\(String(repeating: "x", count: 65_536))\"},\(one),\(plain)}",
            "too_large",
            "annotations"
        ),
    ]

    static let portCases = [
        ports("no port", "[]", "invalid_field", "ports"),
        ports("a hundred and one", "[\(many)]", "invalid_field", "ports"),
        ports("port 0", #"[{"port":0}]"#, "invalid_field", "ports[0].port"),
        ports("port 65536", #"[{"port":65536}]"#, "invalid_field", "ports[0].port"),
        ports("a port as a text", #"[{"port":"80"}]"#, "wrong_type", "ports[0].port"),
        ports("target port 0", #"[{"port":80,"targetPort":0}]"#, "invalid_field", "ports[0].targetPort"),
        ports(
            "a target port without a letter",
            #"[{"port":80,"targetPort":"8080"}]"#,
            "invalid_field",
            "ports[0].targetPort"
        ),
        ports(
            "a target port that is neither",
            #"[{"port":80,"targetPort":true}]"#,
            "invalid_field",
            "ports[0].targetPort"
        ),
        ports("no such protocol", #"[{"port":80,"protocol":"HTTP"}]"#, "invalid_field", "ports[0].protocol"),
        ports("a port twice", #"[{"port":80},{"port":80,"protocol":"TCP"}]"#, "duplicate", "ports[1].port"),
        ports("a name twice", #"[{"port":80,"name":"a"},{"port":81,"name":"a"}]"#, "duplicate", "ports[1].name"),
        ports("a name that another gets", #"[{"port":80},{"port":81,"name":"tcp-80"}]"#, "duplicate", "ports[1].name"),
        ports("a name with a dot", #"[{"port":80,"name":"a.b"}]"#, "invalid_name", "ports[0].name"),
        ports("node port 29999", #"[{"port":80,"nodePort":29999}]"#, "invalid_field", "ports[0].nodePort"),
        ports("node port 32768", #"[{"port":80,"nodePort":32768}]"#, "invalid_field", "ports[0].nodePort"),
        ports(
            "a node port twice",
            #"[{"port":80,"nodePort":30000},{"port":81,"nodePort":30000}]"#,
            "duplicate",
            "ports[1].nodePort"
        ),
        ports(
            "a node port of a cluster address",
            #"[{"port":80,"nodePort":30000}]"#,
            "invalid_field",
            "ports[0].nodePort",
            type: "ClusterIP"
        ),
        SpecCase(
            "all that is allowed",
            #"{"type":"LoadBalancer",\#(one),"ports":[{"port":53,"nodePort":30000},"#
                + #"{"port":53,"protocol":"UDP","nodePort":30000},{"port":65535,"targetPort":"http"},"#
                + #"{"port":1,"protocol":"SCTP"}]}"#
        ),
    ]

    static let targetCases = [
        target("none", "{}", "invalid_field", "target"),
        target("two", #"{"instances":["a"],"application":"b"}"#, "invalid_field", "target"),
        target(
            "an application and endpoints",
            #"{"application":"b","endpoints":[{"addresses":["192.0.2.1"]}]}"#,
            "invalid_field",
            "target"
        ),
        target("no instance", #"{"instances":[]}"#, "invalid_field", "target.instances"),
        target("an instance twice", #"{"instances":["a","a"]}"#, "duplicate", "target.instances[1]"),
        target("a wrong instance", #"{"instances":["a","B"]}"#, "invalid_name", "target.instances[1]"),
        target("a wrong application", #"{"application":"Web"}"#, "invalid_name", "target.application"),
        target("no label", #"{"labels":{}}"#, "invalid_field", "target.labels"),
        target("a wrong key", #"{"labels":{"a b":"c"}}"#, "invalid_key", "target.labels"),
        target("a wrong value", #"{"labels":{"a":"b c"}}"#, "invalid_field", "target.labels.a"),
        target("no group", #"{"endpoints":[]}"#, "invalid_field", "target.endpoints"),
        target("no address", #"{"endpoints":[{"addresses":[]}]}"#, "invalid_field", "target.endpoints[0].addresses"),
        target(
            "a name for an address",
            #"{"endpoints":[{"addresses":["db.example.org"]}]}"#,
            "invalid_field",
            "target.endpoints[0].addresses[0]"
        ),
        target(
            "no port",
            #"{"endpoints":[{"addresses":["192.0.2.1"],"ports":[]}]}"#,
            "invalid_field",
            "target.endpoints[0].ports"
        ),
        target(
            "port 0",
            #"{"endpoints":[{"addresses":["192.0.2.1"],"ports":[{"port":0}]}]}"#,
            "invalid_field",
            "target.endpoints[0].ports[0].port"
        ),
        target(
            "a port twice",
            #"{"endpoints":[{"addresses":["192.0.2.1"],"ports":[{"port":1},{"port":2}]}]}"#,
            "duplicate",
            "target.endpoints[0].ports[1]"
        ),
        target(
            "no such port",
            #"{"endpoints":[{"addresses":["192.0.2.1"],"ports":[{"name":"x","port":1}]}]}"#,
            "invalid_field",
            "target.endpoints[0].ports[0].name"
        ),
        SpecCase(
            "which of two ports",
            #"{"target":{"endpoints":[{"addresses":["192.0.2.1"],"ports":[{"port":1}]}]},"ports":[{"port":1},{"port":2}]}"#,
            "missing_field",
            "target.endpoints[0].ports[0].name"
        ),
        SpecCase(
            "a host has no named ports",
            #"{"target":{"endpoints":[{"addresses":["192.0.2.1"]}]},"ports":[{"port":80,"targetPort":"http"}]}"#,
            "missing_field",
            "target.endpoints[0].ports"
        ),
    ]

    @Test(arguments: general + portCases + targetCases)
    func `a mistake is told with its field and what would be right`(_ line: SpecCase) throws {
        try line.check(NetworkSpec.self) { _ = try $0.checked() }
    }

    @Test func `what is left out is written out, and writing it out again changes nothing`() throws {
        let spec = try SpecCase.read(
            NetworkSpec.self,
            #"{"target":{"instances":["b","a"]},"ports":[{"port":53,"protocol":"UDP"}]}"#
        )
        let checked = try spec.checked()
        let port = NetworkPort(name: "udp-53", port: 53, targetPort: .number(53), protocol: .udp)
        #expect(
            checked
                == NetworkSpec(
                    type: .clusterIP,
                    target: NetworkTarget(instances: ["a", "b"]),
                    ports: [port],
                    externalIPs: [],
                    annotations: [:]
                )
        )
        #expect(try checked.checked() == checked)
    }

    @Test func `the field is told from the request's root`() throws {
        let spec = NetworkSpec(target: NetworkTarget(application: "web"), ports: [NetworkPort(port: 0)])
        let reason = try refusal { _ = try spec.checked(FieldPath("network")) }
        #expect(reason?.sentence == "'network.ports[0].port' is 0; it should be from 1 to 65535.")
    }
}
