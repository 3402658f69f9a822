import Domain
import Foundation
import Sealing
import Testing

@testable import ClusterAgent

/// What people are told when helm fails: its reason, all of it, under the right code.
@Suite(.timeLimit(.minutes(1)))
struct HelmComplaintTests {
    private func failure(of helm: HelmProgram, _ request: ReleaseRequested = .web(), _ secrets: OpenedSecrets = .init())
        async -> WorkFailure?
    {
        let mark = CommandMark(command: "c-1", generation: 1)
        do throws(WorkFailure) {
            _ = try await helm.deploy(request, secrets: secrets, template: mark, withHooks: true)
            return nil
        } catch {
            return error
        }
    }

    static let complaints: [(text: String, code: String, message: String)] = [
        (
            "Error: values don't meet the specifications of the schema(s) in the following chart(s):\nweb:\n"
                + "- at '/replicaCount': got string, want integer\n",
            "values_refused",
            "helm: values don't meet the specifications of the schema(s) in the following chart(s): web: "
                + "- at '/replicaCount': got string, want integer"
        ),
        (
            "Error: values don't meet the specifications of the schema(s) in the following chart(s):\nweb:\n"
                + "- at '/db/password': 'hunter2' does not match pattern '^[A-Z]'\n"
                + "- at '/url': 'amqp://u:hunter2@mq' does not match pattern '^https'\n"
                + "- at '/name': 'x' does not match pattern '^[A-Z]'\n",
            "values_refused",
            "helm: values don't meet the specifications of the schema(s) in the following chart(s): web: "
                + "- at '/db/password': its value is not shown, and is not what the schema wants "
                + "- at '/url': its value is not shown, and is not what the schema wants "
                + "- at '/name': 'x' does not match pattern '^[A-Z]'"
        ),
        (
            "Error: UPGRADE FAILED: cannot patch \"web\" with kind Job: Job.batch \"web\" is invalid: spec.template: "
                + "Invalid value: {}: field is immutable\nlevel=WARN msg=\"template: of another\"",
            "apply_failed",
            "helm: UPGRADE FAILED: cannot patch \"web\" with kind Job: Job.batch \"web\" is invalid: spec.template: "
                + "Invalid value: {}: field is immutable"
        ),
        (
            "level=WARN msg=\"post-renderer: parse error\"\n"
                + "Error: admission webhook \"validate.nginx.ingress.kubernetes.io\" denied the request: "
                + "host \"x\" and path \"/\" is already defined",
            "apply_failed",
            "helm: admission webhook \"validate.nginx.ingress.kubernetes.io\" denied the request: host \"x\" and "
                + "path \"/\" is already defined"
        ),
        (
            "Error: template: web/templates/a.yaml:3:4: executing \"a\" at <.x>: nil pointer",
            "render_failed",
            "helm: template: web/templates/a.yaml:3:4: executing \"a\" at <.x>: nil pointer"
        ),
        (
            "Error: create: failed to create: Secret \"sh.helm.release.v1.web-1.v1\" is invalid: data: Too long: "
                + "may not be more than 1048576 bytes",
            "chart_too_large",
            "The release's manifests are more than the 1 MiB, compressed, that helm keeps in a Secret; split the chart."
        ),
        (
            "Error: Secret \"its-own\" is invalid: data: Too long: may not be more than 1048576 bytes",
            "apply_failed",
            "helm: Secret \"its-own\" is invalid: data: Too long: may not be more than 1048576 bytes"
        ),
        (
            "Error: UPGRADE FAILED: query: failed to query with labels: secrets is forbidden: User \"a\" cannot list "
                + "resource \"secrets\" in API group \"\" in the namespace \"webhooks\"",
            "cluster_unauthorized",
            "helm: UPGRADE FAILED: query: failed to query with labels: secrets is forbidden: User \"a\" cannot list "
                + "resource \"secrets\" in API group \"\" in the namespace \"webhooks\""
        ),
        (
            "Error: UPGRADE FAILED: template: web/templates/a.yaml:1:2: executing \"a\" at <lookup>: "
                + "secrets is forbidden: User \"a\" cannot list resource \"secrets\"",
            "render_failed",
            "helm: UPGRADE FAILED: template: web/templates/a.yaml:1:2: executing \"a\" at <lookup>: "
                + "secrets is forbidden: User \"a\" cannot list resource \"secrets\""
        ),
        (
            "Error: kubernetes cluster unreachable: the server has asked for the client to provide credentials",
            "cluster_unauthorized",
            "helm: kubernetes cluster unreachable: the server has asked for the client to provide credentials"
        ),
        (
            "Error: kubernetes cluster unreachable: Unauthorized",
            "cluster_unauthorized",
            "helm: kubernetes cluster unreachable: Unauthorized"
        ),
        ("Error: path \"/charts/web\" not found", "chart_not_found", "helm: path \"/charts/web\" not found"),
        (
            "Error: " + String(repeating: "a", count: 500) + String(repeating: "b", count: 500),
            "apply_failed",
            "helm: " + String(repeating: "a", count: 400) + " … " + String(repeating: "b", count: 200)
        ),
    ]

    @Test(arguments: complaints)
    func `helm's reason is passed on, the end of it too, and gives the code`(
        text: String,
        code: String,
        message: String
    ) {
        #expect(HelmComplaint(text, of: .web()).failure == WorkFailure(code: code, message: message))
    }

    static let absentCharts = [
        #"failed to perform "FetchReference" on source: r.example/charts/web:1.0.0: not found"#,
        #"failed to perform "FetchReference" on source: GET "https://r.example/v2/charts/web/manifests/1.0.0": "#
            + "response status code 401: unauthorized: authentication required",
        #"failed to perform "Fetch" on source: Get "https://r.example/v2/charts/web/blobs/sha256:1": unexpected EOF"#,
        #"Get "https://r.example/v2/charts/web/tags/list": dial tcp 10.0.0.9:443: connect: connection refused"#,
        "unable to locate any tags in provided repository: oci://r.example/charts/web",
        "could not locate a version matching provided version string 2.x",
        #"Get "https://charts.example/web-1.0.0.tgz": dial tcp 10.0.0.9:443: i/o timeout"#,
    ]

    @Test(arguments: absentCharts)
    func `a chart that its registry does not give is not found, and not the cluster away`(complaint: String) {
        let failure = HelmComplaint("Error: \(complaint)\n", of: .web()).failure
        #expect(failure == WorkFailure(code: "chart_not_found", message: "helm: \(complaint)"))
    }

    @Test func `what the post-renderer refuses is said in its own words, which helm keeps to itself`() async throws {
        let double = try HelmDouble()
        let helm = try double.program(
            manifest: "{apiVersion: v1, kind: Secret, metadata: {name: keys, namespace: other}}"
        )
        let failure = try #require(await failure(of: helm))
        #expect(failure.code == "render_failed")
        #expect(failure.message.hasPrefix("The Secret 'keys' is for the namespace 'other'"))
    }

    @Test func `why an index cannot be fetched is passed on, which helm only prints`() async throws {
        let double = try HelmDouble()
        let update = #"""
            echo 'Hang tight while we grab the latest from your chart repositories...'
            echo '...Unable to get an update from the "slipway" chart repository (https://charts.example):'
            echo '	dial tcp: connection refused'; echo 'Error: failed to update the following repositories' >&2; exit 1
            """#
        let helm = try double.program(update: update)
        var request = ReleaseRequested.web()
        request.chart = ChartReference(repository: "https://charts.example", name: "web", version: nil)
        var secrets = OpenedSecrets()
        secrets[.chart("web-1")] = SecretBytes(utf8: #"{"username":"u","password":"p"}"#)
        let failure = await failure(of: helm, request, secrets)
        #expect(failure?.code == "chart_not_found")
        #expect(
            failure?.message == "helm: failed to update the following repositories ...Unable to get an update from the "
                + "\"slipway\" chart repository (https://charts.example): dial tcp: connection refused"
        )
    }
}
