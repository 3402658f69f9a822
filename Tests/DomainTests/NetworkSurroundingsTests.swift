import Testing
import WorkerRuntime

@testable import Domain

/// What a network must not take from others, and what must be there for it.
@Suite struct NetworkSurroundingsTests {
    static func network(
        _ type: NetworkType,
        _ ports: [NetworkPort],
        _ addresses: [String] = [],
        _ target: NetworkTarget = NetworkTarget(labels: ["app": "web"])
    ) -> NetworkSpec {
        NetworkSpec(type: type, target: target, ports: ports, externalIPs: addresses)
    }

    static let surroundings: NetworkSurroundings = {
        var surroundings = NetworkSurroundings(instances: ["web-1"], applications: ["web"])
        surroundings.others = [
            "nodes": [
                network(.nodePort, [NetworkPort(port: 80)]),
                network(.nodePort, [NetworkPort(port: 80, nodePort: 30_080)]),
            ],
            "dns": [network(.clusterIP, [NetworkPort(port: 53, protocol: .udp)], ["192.0.2.1", "2001:db8::1"])],
        ]
        return surroundings
    }()

    static let cases: [(NetworkSpec, String?, String?)] = [
        (network(.nodePort, [NetworkPort(port: 80, nodePort: 30_081)]), nil, nil),
        (network(.nodePort, [NetworkPort(port: 80)]), nil, nil),
        (
            network(.loadBalancer, [NetworkPort(port: 1), NetworkPort(port: 2, nodePort: 30_080)]), "node_port_taken",
            "ports[1].nodePort"
        ),
        // The cluster gives out node ports without regard to the protocol.
        (
            network(.nodePort, [NetworkPort(port: 2, protocol: .udp, nodePort: 30_080)]), "node_port_taken",
            "ports[0].nodePort"
        ),
        (network(.clusterIP, [NetworkPort(port: 53)], ["192.0.2.1"]), nil, nil),
        (network(.clusterIP, [NetworkPort(port: 54, protocol: .udp)], ["192.0.2.1"]), nil, nil),
        (network(.clusterIP, [NetworkPort(port: 53, protocol: .udp)], ["192.0.2.2"]), nil, nil),
        (
            network(.clusterIP, [NetworkPort(port: 53, protocol: .udp)], ["192.0.2.2", "2001:DB8::1"]),
            "external_ip_taken", "externalIPs[1]"
        ),
        (network(.clusterIP, [NetworkPort(port: 1)], [], NetworkTarget(instances: ["web-1"])), nil, nil),
        (
            network(.clusterIP, [NetworkPort(port: 1)], [], NetworkTarget(instances: ["web-1", "web-2"])),
            "unknown_instance", "target.instances[1]"
        ),
        (network(.clusterIP, [NetworkPort(port: 1)], [], NetworkTarget(application: "web")), nil, nil),
        (
            network(.clusterIP, [NetworkPort(port: 1)], [], NetworkTarget(application: "shop")), "unknown_application",
            "target.application"
        ),
    ]

    @Test(arguments: cases)
    func `what is taken or missing is told`(_ network: NetworkSpec, _ code: String?, _ field: String?) throws {
        let reason = try refusal { try Self.surroundings.check(try network.checked()) }
        #expect(reason?.code == code)
        #expect(reason?.field == field)
        if let reason { expectSentence(reason) }
    }
}
