import Testing

@testable import Domain

/// What networks become in Kubernetes, byte for byte.
@Suite struct NetworkManifestTests {
    private func make(_ json: String) throws -> NetworkManifest {
        NetworkManifest(try SpecCase.read(NetworkSpec.self, json).checked(), head: head(.network, "web"))
    }

    private func service(_ spec: String, annotations: String = "") -> String {
        #"{"apiVersion":"v1","kind":"Service",\#(metadata("network", "web", annotations: annotations)),"spec":{\#(spec)}}"#
    }

    private let port80 = #""ports":[{"name":"tcp-80","port":80,"targetPort":80,"protocol":"TCP"}]"#

    @Test func `one instance is selected by its own label`() throws {
        let manifest = try make(#"{"target":{"instances":["web-1"]},"ports":[{"port":80}]}"#)
        #expect(manifest.podMark == nil)
        #expect(
            manifest.objects.map(text) == [
                service(#""type":"ClusterIP","selector":{"slipway.io/instance":"web-1"},\#(port80)"#)
            ]
        )
    }

    @Test func `several instances are selected by a label of the network's, which the agent keeps on their pods`()
        throws
    {
        let manifest = try make(#"{"target":{"instances":["web-2","web-1"]},"ports":[{"port":80}]}"#)
        #expect(manifest.podMark == .init(label: "network.slipway.io/web", instances: ["web-1", "web-2"]))
        #expect(
            manifest.objects.map(text) == [
                service(#""type":"ClusterIP","selector":{"network.slipway.io/web":"true"},\#(port80)"#)
            ]
        )
    }

    @Test func `an application is selected by its label`() throws {
        let manifest = try make(#"{"target":{"application":"shop"},"ports":[{"port":80}]}"#)
        #expect(
            manifest.objects.map(text) == [
                service(#""type":"ClusterIP","selector":{"slipway.io/application":"shop"},\#(port80)"#)
            ]
        )
    }

    @Test func `all that a Service may have`() throws {
        let manifest = try make(
            #"{"type":"NodePort","target":{"labels":{"b":"2","a":"1"}},"annotations":{"y":"\"","x":""},"#
                + #""ports":[{"port":80,"targetPort":"http","nodePort":30080,"name":"web"},{"port":53,"protocol":"UDP"}]}"#
        )
        let ports =
            #"[{"name":"web","port":80,"targetPort":"http","protocol":"TCP","nodePort":30080},"#
            + #"{"name":"udp-53","port":53,"targetPort":53,"protocol":"UDP"}]"#
        #expect(
            manifest.objects.map(text) == [
                service(
                    #""type":"NodePort","selector":{"a":"1","b":"2"},"ports":\#(ports)"#,
                    annotations: #","annotations":{"x":"","y":"\""}"#
                )
            ]
        )
    }

    @Test func `external addresses are written in one way`() throws {
        let manifest = try make(#"{"target":{"labels":{"a":"1"}},"ports":[{"port":80}],"externalIPs":["2001:DB8::A"]}"#)
        #expect(
            manifest.objects.map(text) == [
                service(#""type":"ClusterIP","selector":{"a":"1"},\#(port80),"externalIPs":["2001:db8::a"]"#)
            ]
        )
    }

    @Test func `hosts outside become slices, one for each group and family of addresses`() throws {
        let manifest = try make(
            #"{"target":{"endpoints":[{"addresses":["192.0.2.1","2001:db8::1"],"ports":[{"port":5432}]},"#
                + #"{"addresses":["192.0.2.2"]}]},"ports":[{"port":80}]}"#
        )
        func slice(_ name: String, _ family: String, _ address: String, _ port: Int) -> String {
            let labels = #""endpointslice.kubernetes.io/managed-by":"slipway.io","kubernetes.io/service-name":"web","#
            return
                #"{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice",\#(metadata("network", name, more: labels)),"#
                + #""addressType":"\#(family)","endpoints":[{"addresses":["\#(address)"],"conditions":{"ready":true}}],"#
                + #""ports":[{"name":"tcp-80","port":\#(port),"protocol":"TCP"}]}"#
        }
        #expect(
            manifest.objects.map(text) == [
                service(#""type":"ClusterIP",\#(port80),"ipFamilyPolicy":"PreferDualStack""#),
                slice("web-1-ipv4", "IPv4", "192.0.2.1", 5432), slice("web-1-ipv6", "IPv6", "2001:db8::1", 5432),
                slice("web-2-ipv4", "IPv4", "192.0.2.2", 80),
            ]
        )
    }
}
