import Testing
import WorkerRuntime

@testable import Domain

/// What a domain may be, what it needs, and what it becomes.
@Suite struct DomainNameTests {
    static func paths(_ description: String, _ paths: String, _ code: String, _ field: String, says: String = "")
        -> SpecCase
    {
        SpecCase(description, #"{"host":"shop.example.org","paths":\#(paths)}"#, code, field, says: says)
    }

    static func path(_ description: String, _ path: String, says: String = "") -> SpecCase {
        paths(
            description,
            #"[{"path":"\#(path)","network":"web","port":80}]"#,
            "invalid_field",
            "paths[0].path",
            says: says
        )
    }

    static let root = #"{"path":"/","network":"web","port":80}"#

    static let cases = [
        SpecCase("the least", #"{"host":"*.example.org","paths":[\#(root)]}"#),
        SpecCase(
            "the longest path",
            #"{"host":"a.b","paths":[{"path":"/\#(String(repeating: "p", count: 499))","network":"web","port":80}]}"#
        ),
        SpecCase("no host", #"{"host":"","paths":[\#(root)]}"#, "invalid_field", "host"),
        SpecCase("an address as host", #"{"host":"192.0.2.1","paths":[\#(root)]}"#, "invalid_field", "host"),
        SpecCase("a wildcard in the middle", #"{"host":"a.*.b","paths":[\#(root)]}"#, "invalid_field", "host"),
        SpecCase(
            "a wrong certificate",
            #"{"host":"a.b","certificate":"A","paths":[\#(root)]}"#,
            "invalid_name",
            "certificate"
        ),
        SpecCase(
            "a wrong annotation",
            #"{"host":"a.b","annotations":{"":"x"},"paths":[\#(root)]}"#,
            "invalid_key",
            "annotations"
        ),
        paths("no path", "[]", "invalid_field", "paths"),
        paths("a path twice", "[\(root),\(root)]", "duplicate", "paths[1].path"),
        paths(
            "a path twice, once with a slash at its end",
            #"[{"path":"/a","network":"web","port":80},{"path":"/a/","network":"web","port":81}]"#,
            "duplicate",
            "paths[1].path"
        ),
        paths("no network", #"[{"path":"/","network":"","port":80}]"#, "invalid_name", "paths[0].network"),
        paths("no port", #"[{"path":"/","network":"web"}]"#, "missing_field", "paths[0].port"),
        paths("port 0", #"[{"path":"/","network":"web","port":0}]"#, "invalid_field", "paths[0].port"),
        path("no slash", "a"), path("nothing", ""), path("a space", "/a b"), path("a line break", "/a\\nb"),
        path("too long", "/" + String(repeating: "p", count: 500)), path("two slashes", "/a//b", says: "contains '//'"),
        path("a dot", "/a/./b"), path("two dots", "/a/../b"), path("dots at the end", "/a/..", says: "ends in '/..'"),
        path("an escaped slash", "/a%2Fb"),
    ]

    @Test(arguments: cases) func `a mistake is told with its field`(_ line: SpecCase) throws {
        try line.check(DomainSpec.self) { _ = try $0.checked() }
    }

    static let surroundings: DomainSurroundings = {
        var surroundings = DomainSurroundings()
        let ports = [NetworkPort(port: 80), NetworkPort(port: 53, protocol: .udp)]
        surroundings.networks["web"] = NetworkSpec(target: NetworkTarget(application: "web"), ports: ports)
        surroundings.networks["dns"] = NetworkSpec(target: NetworkTarget(application: "dns"), ports: [ports[1]])
        let taken = DomainPath(path: "/taken/", network: "web", port: 80)
        let moved = DomainPath(path: "/moved", network: "web", port: 80)
        surroundings.others["other"] = [moved, taken].map { DomainSpec(host: "shop.example.org", paths: [$0]) }
        for state in CertificateState.allCases {
            surroundings.certificates[state.rawValue] = .init(
                domains: [["example.org", "*.example.org"]],
                state: state
            )
        }
        // Until the new one is there, the former one serves.
        surroundings.certificates["renewed"] = .init(domains: [["*.example.org"], ["example.org"]], state: .active)
        return surroundings
    }()

    static func domain(
        _ paths: [(String, String, Int)],
        host: String = "shop.example.org",
        certificate: String? = nil
    ) -> DomainSpec {
        DomainSpec(
            host: host,
            paths: paths.map { DomainPath(path: $0.0, network: $0.1, port: $0.2) },
            certificate: certificate
        )
    }

    static let neighbours: [(DomainSpec, String?, String?)] = [
        (domain([("/", "web", 80)]), nil, nil),
        (domain([("/", "web", 80), ("/a", "shop", 80)]), "unknown_network", "paths[1].network"),
        (domain([("/", "web", 81)]), "unknown_port", "paths[0].port"),
        (domain([("/", "web", 53)]), "unknown_port", "paths[0].port"),
        (domain([("/", "dns", 53)]), "unknown_port", "paths[0].port"),
        (domain([("/taken", "web", 80)], host: "www.example.org"), nil, nil),
        (domain([("/taken/more", "web", 80)]), nil, nil),
        // The original refused only when every path was taken.
        (domain([("/free", "web", 80), ("/taken", "web", 80)]), "path_taken", "paths[1].path"),
        (domain([("/", "web", 80)], certificate: "none"), "unknown_certificate", "certificate"),
        (domain([("/", "web", 80)], certificate: "active"), nil, nil),
        (domain([("/", "web", 80)], certificate: "expiring"), nil, nil),
        (domain([("/", "web", 80)], certificate: "applying"), "certificate_not_active", "certificate"),
        (domain([("/", "web", 80)], certificate: "expired"), "certificate_not_active", "certificate"),
        (domain([("/", "web", 80)], certificate: "failed"), "certificate_not_active", "certificate"),
        (domain([("/", "web", 80)], certificate: "deleting"), "certificate_not_active", "certificate"),
        (
            domain([("/", "web", 80)], host: "a.shop.example.org", certificate: "active"), "certificate_does_not_cover",
            "certificate"
        ),
        (domain([("/", "web", 80)], host: "example.org", certificate: "active"), nil, nil),
        (domain([("/", "web", 80)], certificate: "renewed"), "certificate_does_not_cover", "certificate"),
    ]

    @Test(arguments: neighbours)
    func `what is taken, missing or unfit is told`(_ domain: DomainSpec, _ code: String?, _ field: String?) throws {
        let reason = try refusal { try Self.surroundings.check(domain) }
        #expect(reason?.code == code)
        #expect(reason?.field == field)
        if let reason { expectSentence(reason) }
    }

    static let coverage: [(String, String, Bool)] = [
        ("a.example.org", "a.example.org", true), ("A.example.org", "a.example.org", true),
        ("*.example.org", "a.example.org", true), ("*.example.org", "a.b.example.org", false),
        ("*.example.org", "example.org", false), ("*.example.org", ".example.org", false),
        ("*.example.org", "*.example.org", true), ("*.example.org", "*.a.example.org", false),
        ("a.example.org", "*.example.org", false), ("*.org", "*.example.org", false), ("", "a", false),
    ]

    @Test(arguments: coverage) func `a wildcard covers one label`(_ name: String, _ host: String, _ covers: Bool) {
        #expect(DomainCoverage.covers(name, host) == covers)
    }

    @Test func `what domains use cannot be taken from them`() throws {
        let use = DomainUse(domains: [
            "b": [Self.domain([("/", "web", 80)]), Self.domain([("/", "web", 80)], certificate: "tls")],
            "a": [Self.domain([("/", "web", 8080)])],
        ])
        #expect(try refusal { try use.checkUnused(network: "other") } == nil)
        #expect(try refusal { try use.checkUnused(certificate: "other") } == nil)
        let network = try refusal { try use.checkUnused(network: "web") }
        #expect(network?.sentence == "The network 'web' is used by the domains 'a', 'b'; change or delete that first.")
        #expect(try refusal { try use.checkUnused(certificate: "tls") }?.code == "certificate_in_use")
        let changed = NetworkSpec(target: NetworkTarget(application: "web"), ports: [NetworkPort(port: 80)])
        let lost = try refusal { try use.checkKeepsPorts(changed, of: "web") }
        #expect(lost?.code == "port_in_use" && lost?.sentence.contains("8080, which the domain 'a' leads to") == true)
        #expect(try refusal { try use.checkKeepsPorts(changed, of: "other") } == nil)
    }

    @Test func `a domain becomes an Ingress`() throws {
        let spec = Self.domain([("/", "web", 80), ("/api", "api", 8080)], certificate: "tls")
        let manifest = DomainManifest.make(try spec.checked(), head: head(.domain, "shop"))
        func path(_ path: String, _ network: String, _ port: Int) -> String {
            #"{"path":"\#(path)","pathType":"Prefix","#
                + #""backend":{"service":{"name":"\#(network)","port":{"number":\#(port)}}}}"#
        }
        #expect(
            text(manifest)
                == #"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress",\#(metadata("domain", "shop")),"spec":{"rules":["#
                + #"{"host":"shop.example.org","http":{"paths":[\#(path("/", "web", 80)),\#(path("/api", "api", 8080))]}}],"#
                + #""tls":[{"hosts":["shop.example.org"],"secretName":"tls-tls"}]}}"#
        )
        let open = DomainManifest.make(try Self.domain([("/", "web", 80)]).checked(), head: head(.domain, "shop"))
        #expect(!text(open).contains("tls"))
    }
}
