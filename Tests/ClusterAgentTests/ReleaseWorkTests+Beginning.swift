import Domain
import TestSupport
import Testing

@testable import ClusterAgent

/// Deployments that helm cannot even begin.
extension ReleaseWorkTests {
    @Test(arguments: ["c-0", "c-1"])
    func `what helm did not begin leaves what runs as it is, save what a cut-off attempt at it has changed`(
        maker: String
    ) async throws {
        let labels = #"{"slipway.io/instance":"web-1","slipway.io/command":"\#(maker)"}"#
        let metadata = #""name":"settings","namespace":"shop-staging","uid":"u-1","resourceVersion":"3""#
        let item = #"{"metadata":{\#(metadata),"labels":\#(labels)}}"#
        let server = try await Self.server(
            { [Revision(1, "deployed", by: "c-0")] },
            answering: { request in
                let isList = request.path == "\(Self.place)/shop-staging/configmaps" && request.query["watch"] == nil
                guard isList else { return nil }
                return (status: 200, body: Self.list([item]))
            }
        )
        let program = try helm.program(
            upgrade: "echo 'Error: no chart version found for web-2.0.0' >&2; exit 1",
            history: #"[{"revision":1,"status":"deployed"}]"#
        )
        let end = try await end(.release(.web()), on: server, program)
        #expect(end.failure?.code == "chart_not_found")
        let calls = try helm.calls()
        #expect(calls.prefix(2) == [Self.upgrade, "history web-1 --output"])
        let isPutBack = calls.dropFirst(2).contains("rollback web-1 1")
        #expect(isPutBack == (maker == "c-1") && calls.count == (isPutBack ? 3 : 2))
    }
}
