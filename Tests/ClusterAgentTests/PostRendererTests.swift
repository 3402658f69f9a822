import Domain
import Testing

@testable import ClusterAgent

/// What helm renders is marked, so that the fleet recognises it, and changed as the command says.
@Suite struct PostRendererTests {
    private static let chart = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: shop, labels: {app.kubernetes.io/instance: its-own}}
        spec:
          replicas: 2
          selector: {matchLabels: {app: shop}}
          template: {metadata: {labels: {app: shop}}, spec: {imagePullSecrets: [{name: mine}], containers: [{name: web}]}}
        ---
        # only a comment
        ---
        apiVersion: batch/v1
        kind: Job
        metadata: {name: stays}
        spec: {template: {spec: {containers: [{name: j}]}}}
        ---
        apiVersion: batch/v1
        kind: Job
        metadata: {name: hook, annotations: {"helm.sh/hook": pre-install}}
        spec: {template: {spec: {containers: [{name: j}]}}}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: text, namespace: shop-staging}
        data: {version: "1.10", on: "yes", braces: "{{ x }}"}
        """

    private func render(_ change: (inout ReleaseRequested) -> Void = { _ in }) throws -> (
        objects: [ObjectValue], references: [PostRenderer.Reference]
    ) {
        var request = ReleaseRequested.web(generation: 4)
        change(&request)
        let marking = ReleaseMarking(request, template: CommandMark(command: "earlier", generation: 2))
        let (text, references) = try PostRenderer(marking: marking).render(Self.chart)
        return (try ObjectValue.documents(yaml: text), references)
    }

    @Test func `a chart of more objects than the agent can keep track of is refused`() throws {
        let marking = ReleaseMarking(.web(), template: CommandMark(command: "c", generation: 1))
        let document = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
        let text = String(repeating: document, count: PostRenderer.mostObjects + 1)
        let error = #expect(throws: ManifestError.self) { try PostRenderer(marking: marking).render(text) }
        #expect(error?.sentence == "The chart renders 2001 objects; a release may have 2000.")
    }

    static let intruders: [(yaml: String, words: String)] = [
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}", "ConfigMap 'a'"),
        (
            "apiVersion: v1\nkind: Secret\n"
                + "metadata: {name: b, namespace: other, annotations: {helm.sh/hook: pre-install}}",
            "namespace 'other'"
        ),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: b, namespace: 7}", "Secret 'b'"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop-staging}", "Namespace 'shop-staging'"),
        (
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: c, namespace: other}}",
            "Pod 'c'"
        ),
        (
            "apiVersion: v1\nkind: Any\nmetadata: {name: a}\n"
                + "items:\n- {apiVersion: v1, kind: Pod, metadata: {name: d, namespace: other}}",
            "Pod 'd'"
        ),
        ("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: slipway-helm}", "ServiceAccount 'slipway-helm'"),
        (
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: slipway-agent}",
            "RoleBinding 'slipway-agent'"
        ),
    ]

    @Test(arguments: intruders)
    func `a chart that reaches out of its namespace, or for the agent's rights, is refused`(
        yaml: String,
        words: String
    ) {
        let marking = ReleaseMarking(.web(), template: CommandMark(command: "c", generation: 1))
        let error = #expect(throws: ManifestError.self) { try PostRenderer(marking: marking).render(yaml) }
        #expect(error?.sentence.contains(words) == true)
    }

    @Test func `a chart whose aliases make a few lines into gigabytes is refused`() {
        let marking = ReleaseMarking(.web(), template: CommandMark(command: "c", generation: 1))
        var yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\na0: &a0 [1]\n"
        for level in 1...8 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            yaml += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let error = #expect(throws: ManifestError.self) { try PostRenderer(marking: marking).render(yaml) }
        #expect(
            error?.sentence
                == "The YAML holds more than 16 MiB, its aliases followed; it should hold less, or use fewer."
        )
    }

    static let lenient: [(yaml: String, names: [String])] = [
        // Of equal keys the last counts, quoted or not, however deep.
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, name: b}\n"
                + "data:\n  x: ä\n  \"x\": \"2\"\n  'x': \"3\"",
            ["ConfigMap/b"]
        ),
        (
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleList\n"
                + "items:\n- metadata: {name: r}\n- metadata: {name: s}",
            ["Role/r", "Role/s"]
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: List\nitems:\n"
                + "- {apiVersion: v1, kind: Secret, metadata: {name: s}}\n"
                + "- {apiVersion: v1, kind: ConfigMapList, items: [{metadata: {name: c}}]}",
            ["ConfigMap/a", "Secret/s", "ConfigMap/c"]
        ),
    ]

    @Test(arguments: lenient)
    func `what helm installs is not refused: equal keys, and lists of objects`(
        yaml: String,
        names: [String]
    ) throws {
        let marking = ReleaseMarking(.web(), template: CommandMark(command: "c", generation: 1))
        let (text, references) = try PostRenderer(marking: marking).render(yaml)
        #expect(references.map { "\($0.kind)/\($0.name)" } == names)
        let objects = try ObjectValue.documents(yaml: text)
        #expect(objects.count == names.count && objects.allSatisfy { $0.path("metadata", "labels") != nil })
        #expect(objects[0]["data"] == nil || objects[0]["data"] == ["x": "3"])
    }

    @Test func `values are read strictly, and what stands there twice is named by its place`() {
        let error = #expect(throws: ManifestError.self) { try ObjectValue(yaml: "a: 1\nb: 2\na: 3") }
        #expect(error?.sentence.contains("twice, for the first time in line 1") == true)
    }

    @Test func `objects carry the command, and pods that are only scaled the one they have`() throws {
        let (objects, references) = try render()
        let deployment = objects[0]
        let labels = (deployment.path("metadata", "labels") ?? .empty).texts
        #expect(labels[Label.generation] == "4" && labels[Label.instance] == "web-1")
        #expect(labels[Label.helmInstance] == "its-own", "its selector may need it")
        let pod = (deployment.path("spec", "template", "metadata", "labels") ?? .empty).texts
        #expect(pod[Label.command] == "earlier" && pod[Label.generation] == "2" && pod["app"] == "shop")
        #expect(deployment.path("spec", "selector", "matchLabels") == ["app": "shop"])
        #expect(references.map(\.name) == ["shop", "stays", "text"], "hooks are no part of what stays")
        #expect(references.last?.namespace == "shop-staging")
    }

    @Test func `the template of a Job that stays carries nothing that changes`() throws {
        let (objects, _) = try render()
        let stays = (objects[1].path("spec", "template", "metadata", "labels") ?? .empty).texts
        #expect(stays[Label.instance] == "web-1" && stays[Label.command] == nil && stays[Label.generation] == nil)
        let hook = (objects[2].path("spec", "template", "metadata", "labels") ?? .empty).texts
        #expect(hook[Label.generation] == "4")
    }

    @Test func `texts stay texts`() throws {
        let (objects, _) = try render()
        #expect(objects[3]["data"] == ["version": "1.10", "on": "yes", "braces": "{{ x }}"])
    }

    static let readings: [(yaml: String, value: ObjectValue)] = [
        ("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3", ["b": 3, "a": 1]),
        ("x: &x {a: 1, b: 2}\ny:\n  b: 3\n  <<: *x", ["b": 3, "a": 1]),
        ("x: &x {a: 1}\nz: &z {a: 2, c: 3}\ny:\n  <<: [*x, *z]\n  d: 4", ["d": 4, "a": 1, "c": 3]),
        ("x: &x {a: 1}\nz: &z\n  <<: *x\n  b: 2\ny:\n  <<: *z", ["b": 2, "a": 1]),
        ("y:\n  \"<<\": 1", ["<<": 1]), ("y: 10:30", "10:30"), ("y: 190:20:30.15", "190:20:30.15"),
        ("y: 2026-11-23", "2026-11-23"), ("y: 123e456", "123e456"), ("y: 630", 630), ("y: 1.5", .double(1.5)),
        ("y: 0o17", 15), ("y: 017", 15), ("y: 1_000", 1000), ("y: yes", true), ("y: \"yes\"", "yes"), ("y: off", false),
    ]

    @Test(arguments: readings)
    func `YAML is read as helm reads it`(yaml: String, value: ObjectValue) throws {
        #expect(try ObjectValue(yaml: yaml)["y"] == value)
    }

    @Test func `replicas, stopping, restarting and pull secrets are as the command says`() throws {
        let scaled = try render { $0.replicas = ["Deployment/shop": 5, "Deployment/other": 1] }.objects[0]
        #expect(scaled.path("spec", "replicas") == 5)
        let stopped = try render {
            $0.replicas = ["Deployment/shop": 5]
            $0.stopped = true
        }
        #expect(stopped.objects[0].path("spec", "replicas") == 0)
        let changed = try render {
            $0.restart = "nonce"
            $0.registrySecrets = [RegistrySecret(name: "mine", sealed: ""), RegistrySecret(name: "pull", sealed: "")]
        }
        let template = changed.objects[0].path("spec", "template")
        #expect(template?.path("metadata", "annotations", Label.restart) == "nonce")
        #expect(template?.path("spec", "imagePullSecrets") == [["name": "mine"], ["name": "pull"]])
        #expect(changed.objects[1].path("spec", "template", "metadata", "annotations") == nil)
    }

    @Test(arguments: [["old"], []])
    func `a Job that is there keeps the secrets with which it pulls: its template cannot be changed`(
        secrets: [String]
    ) throws {
        var request = ReleaseRequested.web()
        request.registrySecrets = [RegistrySecret(name: "pull", sealed: "")]
        let mark = CommandMark(command: "c", generation: 1)
        func pulls(_ jobs: [String: [String]]) throws -> [ObjectValue?] {
            let marking = ReleaseMarking(request, template: mark, jobs: jobs)
            let (text, _) = try PostRenderer(marking: marking).render(Self.chart)
            return try ObjectValue.documents(yaml: text).map { $0.path("spec", "template", "spec", "imagePullSecrets") }
        }
        let new: ObjectValue = [["name": "pull"]]
        let kept = secrets.map { name -> ObjectValue in ["name": .string(name)] }
        #expect(try pulls([:])[1...2] == [new, new])
        let after = try pulls(["stays": secrets, "hook": secrets])
        let expected: ObjectValue? = kept.isEmpty ? nil : ObjectValue.array(kept)
        #expect(after[1] == expected)
        #expect(after[2] == new, "a hook is made anew")
    }

    static let complaints: [(text: String, code: String)] = [
        ("Error: UPGRADE FAILED: pre-upgrade hooks failed: job migrate failed", "hook_failed"),
        (
            "Error: create: failed to create: Secret is invalid: data: Too long: must have at most 1048576 bytes",
            "chart_too_large"
        ),
        ("Error: repo shop not found", "chart_not_found"),
        ("Error: values don't meet the specifications of the schema(s)", "values_refused"),
        ("Error: parse error at (c/templates/x.yaml:3)", "render_failed"),
        ("Error: admission webhook denied the request", "apply_failed"),
        ("Error: helm did not end within 600 seconds", "timed_out"),
        ("Error: create: failed to create: etcdserver: request is too large", "chart_too_large"),
        ("Error: kubernetes cluster unreachable: Get \"https://10.0.0.1/version\": EOF", "cluster_unreachable"),
        (
            "Error: UPGRADE FAILED: Get \"https://10.0.0.1/api\": dial tcp 10.0.0.1:443: connect: connection refused",
            "cluster_unreachable"
        ),
        ("Error: UPGRADE FAILED: the server is currently unable to handle the request", "cluster_unreachable"),
        ("Error: failed to fetch https://charts.example/index.yaml: connection refused", "chart_not_found"),
        (
            "Error: UPGRADE FAILED: Get \"https://10.0.0.1/apis/apps/v1/namespaces/n/deployments/chart-repo\": EOF",
            "cluster_unreachable"
        ),
        (
            "Error: failed to do request: Head \"https://r.example/v2/web\": dial tcp: connect: connection refused",
            "apply_failed"
        ),
        ("Error: failed calling webhook \"check.example\": connection refused", "apply_failed"),
        (
            "Error: UPGRADE FAILED: could not get apiVersions from Kubernetes: could not get apiVersions from Kubernetes: "
                + "unexpected error when reading response body. Please retry. Original error: context deadline exceeded",
            "cluster_unreachable"
        ),
        ("Error: UPGRADE FAILED: pre-upgrade hooks failed: 1 error occurred: context deadline exceeded", "hook_failed"),
        ("Error: UPGRADE FAILED: query: failed to query with labels: Unauthorized", "cluster_unauthorized"),
        (
            "Error: UPGRADE FAILED: secrets is forbidden: User \"system:serviceaccount:a:b\" cannot list resource",
            "apply_failed"
        ),
        ("Error: UPGRADE FAILED: pods \"web\" is forbidden: exceeded quota: small", "apply_failed"),
    ]

    @Test(arguments: complaints)
    func `what helm complains of has a code`(text: String, code: String) {
        let failure = HelmComplaint("level=WARN something\n\(text)\n", of: .web()).failure
        #expect(failure.code == code)
        #expect(!failure.message.contains("level=WARN"))
    }

    @Test(arguments: [
        ("Error: failed to delete release: web-1", "uninstall_failed"),
        ("Error: Kubernetes cluster unreachable: Get \"https://a/version\": EOF", "cluster_unreachable"),
    ])
    func `why helm cannot remove a release has a code too`(text: String, code: String) {
        let failure = HelmComplaint(removal: "level=WARN something\n\(text)\n").failure
        #expect(failure.code == code && !failure.message.contains("level=WARN"))
    }

    @Test func `an Ingress is written as old servers read it`() throws {
        let ingress = try ObjectValue(
            yaml: """
                apiVersion: networking.k8s.io/v1
                kind: Ingress
                metadata: {name: shop}
                spec:
                  defaultBackend: {service: {name: all, port: {name: http}}}
                  rules: [{host: h, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
                """
        )
        let old = IngressForm.beta(ingress)
        #expect(old["apiVersion"] == "networking.k8s.io/v1beta1")
        #expect(old.path("spec", "backend") == ["serviceName": "all", "servicePort": "http"])
        let path = old.path("spec", "rules")?.elements.first?.path("http", "paths")?.elements.first
        #expect(path?["backend"] == ["serviceName": "web", "servicePort": 80] && path?["pathType"] == "Prefix")
    }
}
