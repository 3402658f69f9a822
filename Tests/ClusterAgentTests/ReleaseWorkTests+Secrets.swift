import Domain
import TestSupport
import Testing

@testable import ClusterAgent

/// Secrets that a chart makes: what is in them is none of the agent's business.
extension ReleaseWorkTests {
    @Test func `of a chart's Secret only the metadata is asked for, and it is followed all the same`() async throws {
        let path = "\(Self.place)/shop-staging/secrets/keys"
        let answer =
            #"{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata","metadata":{"name":"keys","#
            + #""namespace":"shop-staging","uid":"u-9","resourceVersion":"3"}}"#
        let server = try await Self.server(answering: { request in
            guard request.path == path else { return nil }
            return (status: 200, body: answer)
        })
        let program = try helm.program(manifest: "{apiVersion: v1, kind: Secret, metadata: {name: keys}}")
        let end = try await end(.release(.web()), on: server, program)
        #expect(end.failure == nil && end.objects == ["keys"])
        let asked = server.asked.filter { $0.path == path }
        #expect(!asked.isEmpty)
        #expect(asked.allSatisfy { $0.headers["accept"]?.contains("as=PartialObjectMetadata;") == true })
    }
}
