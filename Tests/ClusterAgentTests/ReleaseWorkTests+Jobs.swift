import Domain
import TestSupport
import Testing

@testable import ClusterAgent

/// Jobs that stay: what they are made of cannot be changed.
extension ReleaseWorkTests {
    @Test func `a Job from before keeps its pull secrets, whatever registries the release has now`() async throws {
        let jobs = "/apis/batch/v1/namespaces/shop-staging/jobs"
        let job =
            #"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"seed","namespace":"shop-staging","#
            + #""uid":"u-2","resourceVersion":"3"},"#
            + #""spec":{"template":{"spec":{"imagePullSecrets":[{"name":"old"}]}}}}"#
        var record = MarkRecord(.release(.web(generation: 0)), namespaceUID: "uid-shop-staging")
        try record.add(ObjectValue(answer: Array(job.utf8)))
        let mark = String(decoding: try record.manifest(cluster: "east", home: "slipway").json, as: UTF8.self)
        let server = try await Self.server(answering: { request in
            switch request.path {
            case "/apis/batch/v1":
                return (status: 200, body: #"{"resources":[{"name":"jobs","kind":"Job","namespaced":true}]}"#)
            case jobs: return (status: 200, body: Self.list([]))
            case "\(jobs)/seed": return (status: 200, body: job)
            case "\(Self.place)/slipway/configmaps": return (status: 200, body: Self.list([mark]))
            default: return nil
            }
        })
        let manifest =
            "{apiVersion: batch/v1, kind: Job, metadata: {name: seed}, "
            + "spec: {template: {spec: {containers: [{name: seed, image: seed}]}}}}"
        #expect(try await end(.release(.web()), on: server, helm.program(manifest: manifest)).failure == nil)
        let rendered = try ObjectValue(yaml: helm.text("rendered"))
        #expect(rendered.path("spec", "template", "spec", "imagePullSecrets") == [["name": "old"]])
    }
}
