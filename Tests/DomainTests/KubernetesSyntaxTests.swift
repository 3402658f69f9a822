import Testing
import WorkerRuntime

@testable import Domain

/// What Kubernetes takes as names, keys and addresses.
@Suite struct KubernetesSyntaxTests {
    static let l63 = String(repeating: "a", count: 63)
    static let l64 = String(repeating: "a", count: 64)

    static let names: [(ObjectConcept, String, Bool)] = [
        (.network, "web", true), (.network, "w", true), (.network, l63, true), (.network, l64, false),
        (.network, "1web", false), (.network, "web-", false), (.network, "a.b", false), (.network, "", false),
        (.network, "Web", false), (.network, "wéb", false), (.network, "a\u{0}", false),
        (.domain, "1.shop", true), (.domain, "shop..example", false), (.domain, ".shop", false),
        (.certificate, "wildcard.example.org", true), (.certificate, "*.example.org", false),
        (.configMap, "settings", true), (.configMap, "set_tings", false), (.secret, "-a", false),
        (.domain, [l63, l63, l63, String(l63.prefix(61))].joined(separator: "."), true),
        (.domain, [l63, l63, l63, l63].joined(separator: "."), false),
        (.certificate, [l63, l63, l63, String(l63.prefix(57))].joined(separator: "."), true),
        (.certificate, [l63, l63, l63, String(l63.prefix(58))].joined(separator: "."), false),
    ]

    @Test(arguments: names)
    func `names of objects are what Kubernetes takes`(_ concept: ObjectConcept, _ name: String, _ isRight: Bool) throws
    {
        let reason = try refusal { try ObjectName.check(name, of: concept, at: FieldPath("name")) }
        #expect((reason == nil) == isRight)
        if let reason { #expect(reason.code == "invalid_name" && reason.field == "name") }
    }

    static let hosts: [(String, Bool)] = [
        ("shop.example.org", true), ("*.example.org", true), ("localhost", true), ("*", false), ("*.", false),
        ("a.*.example.org", false), ("*.*.example.org", false), ("shop.example.org.", false),
        ("Shop.example.org", false),
        ("shop_1.example.org", false), ("192.0.2.1", false), ("shop.example.org:443", false), ("bücher.example", false),
        ("xn--bcher-kva.example", true), ("\(l64).example", false), ("", false),
    ]

    @Test(arguments: hosts) func `hosts are DNS names and no addresses`(_ host: String, _ isRight: Bool) {
        #expect(KubernetesSyntax.isHost(host) == isRight)
    }

    static let keys: [(String, Bool)] = [
        ("app", true), ("App_1.x-y", true), ("example.org/app", true), (l63, true), (l64, false), ("", false),
        ("/app", false), ("example.org/", false), ("a/b/c", false), ("Example.org/app", false), ("-app", false),
        ("app-", false), ("ap p", false), ("äpp", false),
    ]

    @Test(arguments: keys) func `keys of labels and annotations`(_ key: String, _ isRight: Bool) {
        #expect(KubernetesSyntax.isQualifiedName(key) == isRight)
    }

    static let portNames: [(String, Bool)] = [
        ("http", true), ("http-2", true), ("8080", false), ("a--b", false), ("-a", false), ("a-", false),
        ("abcdefghijklmno", true), ("abcdefghijklmnop", false), ("HTTP", false),
    ]

    @Test(arguments: portNames) func `names of containers' ports`(_ name: String, _ isRight: Bool) {
        #expect(KubernetesSyntax.isPortName(name) == isRight)
    }

    /// The address, its one way to be written where it is one, and whether other hosts can reach it.
    static let addresses: [(String, String?, Bool)] = [
        ("192.0.2.10", "192.0.2.10", true), ("192.0.2.010", nil, false), ("192.0.2", nil, false),
        ("192.0.2.256", nil, false), ("2001:DB8:0::1", "2001:db8::1", true), ("2001:db8::1%eth0", nil, false),
        ("", nil, false), ("web", nil, false), ("192.0.2.1\u{0}x", nil, false),
        ("127.0.0.1", "127.0.0.1", false), ("0.0.0.0", "0.0.0.0", false), ("169.254.169.254", "169.254.169.254", false),
        ("224.0.0.1", "224.0.0.1", false), ("::1", "::1", false), ("::", "::", false), ("fe80::1", "fe80::1", false),
        ("ff02::1", "ff02::1", false), ("::ffff:192.0.2.1", "::ffff:192.0.2.1", false),
    ]

    @Test(arguments: addresses)
    func `addresses are read and written in one way`(_ text: String, _ written: String?, _ isUsable: Bool) {
        let address = IPAddress(text)
        #expect(address?.text == written)
        if let address { #expect((address.fault == nil) == isUsable) }
    }
}
