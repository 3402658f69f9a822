import Testing
import WorkerRuntime

@testable import Domain

@Suite struct PackageURLTests {
    @Test(
        arguments: [
            ("pkg:oci/web?repository_url=r.example/shop/web&tag=1.4.2", "oci", nil, "web", nil),
            ("pkg:oci/web@sha256%3Aabc?tag=1", "oci", nil, "web", "sha256:abc"),
            ("pkg:npm/%40angular/animation@12.3.1", "npm", "@angular", "animation", "12.3.1"),
            ("pkg:golang/google.golang.org/genproto#googleapis/api", "golang", "google.golang.org", "genproto", nil),
            ("PKG:GitHub/a/b@1", "github", "a", "b", "1"),
            ("pkg:github/shop/web@release/1.4.2", "github", "shop", "web", "release/1.4.2"),
            ("pkg:npm/@angular/animation", "npm", "@angular", "animation", nil),
            ("pkg:npm/@angular/animation@12.3.1", "npm", "@angular", "animation", "12.3.1"),
        ] as [(String, String, String?, String, String?)]
    )
    func `package URLs come apart`(text: String, type: String, namespace: String?, name: String, version: String?)
        throws
    {
        let purl = try #require(PackageURL(text))
        #expect(purl.type == type)
        #expect(purl.namespace == namespace)
        #expect(purl.name == name)
        #expect(purl.version == version)
    }

    @Test(arguments: ["", "web:1.4.2", "pkg:", "pkg:oci", "pkg:oci/", "pkg:oci/a%zz", "https://example"])
    func `what is no package URL is refused`(text: String) {
        #expect(PackageURL(text) == nil)
    }
}

@Suite struct VersionRangeTests {
    @Test func `versions are ordered as Semantic Versioning says`() throws {
        let ordered = [
            "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0", "1.2", "v1.10.0", "2.0.0",
        ].compactMap { SemanticVersion($0) }
        #expect(ordered.count == 11)
        #expect(ordered.sorted() == ordered)
    }

    @Test(arguments: [
        ("*", "0.0.1", true), ("^1.2", "1.2.0", true), ("^1.2", "1.99.0", true), ("^1.2", "2.0.0", false),
        ("^0.2.3", "0.2.9", true), ("^0.2.3", "0.3.0", false), ("~1.2.3", "1.2.9", true), ("~1.2.3", "1.3.0", false),
        ("~1", "1.9.0", true), (">=1.0.0 <2.0.0", "1.5.0", true), (">=1.0.0 <2.0.0", "2.0.0", false),
        ("1.2.x", "1.2.7", true), ("1.2.x", "1.3.0", false), ("1.x || 3.x", "3.1.0", true),
        ("1.x || 3.x", "2.1.0", false),
        ("=1.2.3", "1.2.3", true), ("1.2.3", "1.2.4", false), ("^1.2", "1.3.0-rc.1", false),
        ("^1.3.0-rc.1", "1.3.0-rc.2", true), ("^0", "0.9.1", true), ("^0", "1.0.0", false), ("^0.0", "0.0.9", true),
        ("^0.0", "0.1.0", false), ("^0.0.0", "0.0.1", false), ("^1.2||^3", "3.1.0", true), ("^1.2 | ^3", "3.1.0", true),
        ("1.2", "1.2.7", true), ("1.2", "1.3.0", false), ("v1", "1.9.0", true), ("=1.2", "1.2.0", true),
        (">1.2", "1.2.7", false), (">1.2", "1.3.0", true), ("<=1.2", "1.2.7", true), ("<=1.2", "1.3.0", false),
        (">=1.2", "1.2.0", true), ("<1.2", "1.1.9", true), ("<1.2", "1.2.0", false), ("~1-rc.2", "1.9.0", true),
    ])
    func `ranges take what they say`(range: String, version: String, isIn: Bool) throws {
        #expect(try VersionRange.parse(range).contains(try #require(SemanticVersion(version))) == isIn)
    }

    @Test(arguments: [
        "", " ", "||", "^1.2 || ", "|| ^1.2", "^1.2 || || ^3", "^1.2 |", "newest", "^", ">=x", "1.2.3.4", "1..2",
        "~1.9223372036854775807", "1.9223372036854775807.x", "1.2.3.x",
        "1.2.3.4.x", "-1.x", "1.+2.0", "^1.1234567890123",
    ])
    func `what is no range is refused with what would be`(text: String) {
        let reason = #expect(throws: Reason.self) { try VersionRange.parse(text) }
        #expect(reason?.code == "invalid_range")
        #expect(reason?.field == "versions")
    }
}

@Suite struct AutoDeployTests {
    let rule = AutoDeployRule(
        id: 1,
        project: "shop",
        environment: "staging",
        application: "web",
        instance: "web",
        versions: "^1.2",
        values: nil,
        creator: "/portal",
        isEnabled: true,
        desiredVersion: "1.4.0",
        hasChart: true
    )

    @Test(
        arguments: [
            ("1.5.0", nil), ("1.4.0", nil), ("1.3.0", "not_newer"), ("2.0.0", "outside_range"),
            ("latest", "not_semantic"),
        ] as [(String, String?)]
    )
    func `a rule fires or says why it does not`(version: String, code: String?) {
        let decision = rule.decide(on: Release(artifact: "web", version: version))
        if let code {
            guard case .rests(let reason) = decision else {
                Issue.record("it fired")
                return
            }
            #expect(reason.code == code)
        } else {
            #expect(decision == .fires)
        }
    }

    @Test(
        arguments: [
            ("1.9.0", true, "not_newer"), ("1.9.0", false, nil), ("2.0.0", true, nil), ("2.1.0", true, nil),
            ("1.3.0", false, "not_newer"),
        ] as [(String, Bool, String?)]
    )
    func `what a rule has asked for and nobody has decided yet counts as the newest`(
        version: String,
        isOpen: Bool,
        code: String?
    ) {
        var rule = rule
        rule.versions = "*"
        rule.firedVersion = "2.0.0"
        rule.isFiringOpen = isOpen
        let decision = rule.decide(on: Release(artifact: "web", version: version))
        let reason: Reason? = if case .rests(let reason) = decision { reason } else { nil }
        #expect(reason?.code == code)
    }

    @Test(arguments: [EnvironmentState.disabled, .deleting, .failed])
    func `a rule rests while its environment is not active`(state: EnvironmentState) {
        var rule = rule
        rule.environmentState = state
        let release = Release(artifact: "web", version: "1.5.0")
        let reason: Reason? = if case .rests(let reason) = rule.decide(on: release) { reason } else { nil }
        #expect(reason?.code == "environment_not_active")
    }

    @Test(
        arguments: [
            (false, nil, nil, "nothing_to_run"), (true, nil, nil, nil), (false, "r/web:1.5.0", nil, nil),
            (false, nil, "web", nil),
        ] as [(Bool, String?, String?, String?)]
    )
    func `a rule waits until there is something to run`(hasChart: Bool, image: String?, chart: String?, code: String?) {
        var rule = rule
        rule.hasChart = hasChart
        var release = Release(artifact: "web", version: "1.5.0", image: image)
        release.chart = chart.map { ChartReference(repository: nil, name: $0, version: nil) }
        let reason: Reason? = if case .rests(let reason) = rule.decide(on: release) { reason } else { nil }
        #expect(reason?.code == code)
    }

    @Test(
        arguments: [
            ("web", "r.example/shop/web:1.4.0", nil), ("web", "mirror.example:5000/shop/web@sha256:ab", nil),
            ("web", nil, nil), ("web", "r.example/payments/web:1.4.0", "another_repository"),
            ("shop/web", "r.example/old/web:1.4.0", nil),
        ] as [(String, String?, String?)]
    )
    func `a rule of a short name puts no image of another repository in the place of what runs`(
        artifact: String,
        present: String?,
        code: String?
    ) {
        var rule = rule
        rule.desiredImage = present
        let decision = rule.decide(on: Release(artifact: artifact, version: "1.5.0", image: "r.example/shop/web:1.5.0"))
        let reason: Reason? = if case .rests(let reason) = decision { reason } else { nil }
        #expect(reason?.code == code)
    }

    @Test func `a rule for hotfixes rests on features`() {
        var hotfixes = rule
        hotfixes.branches = ["hotfix"]
        let feature = hotfixes.decide(on: Release(artifact: "web", version: "1.5.0", branch: "feature/login"))
        guard case .rests(let reason) = feature else {
            Issue.record("it fired")
            return
        }
        #expect(reason.code == "other_branch")
        #expect(hotfixes.decide(on: Release(artifact: "web", version: "1.5.0", branch: "hotfix/1")) == .fires)
    }

    @Test func `a rule that is off rests`() {
        var off = rule
        off.isEnabled = false
        guard case .rests(let reason) = off.decide(on: Release(artifact: "web", version: "1.5.0")) else {
            Issue.record("it fired")
            return
        }
        #expect(reason.code == "rule_disabled")
    }

    @Test func `a rule rests while its application is disabled`() {
        var rule = rule
        rule.isApplicationEnabled = false
        guard case .rests(let reason) = rule.decide(on: Release(artifact: "web", version: "1.5.0")) else {
            Issue.record("it fired")
            return
        }
        #expect(reason.code == "application_disabled")
    }
}

@Suite struct BranchTests {
    @Test(arguments: [
        ("master", BranchType.master), ("main", .master), ("refs/heads/master", .master), ("feature/login", .feature),
        ("feature-login", .feature), ("Feature_login", .feature), ("bugfix/a", .bugfix), ("release-1.4", .release),
        ("hotfix/1", .hotfix), ("develop", .custom), ("features/x", .custom), ("mainline", .custom),
        ("my-feature", .custom),
    ])
    func `a branch has a type`(branch: String, type: BranchType) {
        #expect(BranchType(of: branch) == type)
    }

    @Test(
        arguments: [
            ([], "anything", nil), ([], nil, nil), (["master"], "main", nil), (["master"], "master", nil),
            (["main"], "main", nil), (["hotfix", "release"], "release/1.4", nil), (["HOTFIX"], "hotfix-1", nil),
            (["custom"], "develop", nil), (["develop"], "develop", nil), (["support/"], "support/1.x", nil),
            (["support"], "refs/heads/support/1.x", nil), (["support"], "supporters", "other_branch"),
            (["custom"], "feature/a", "other_branch"), (["master"], "feature/master", "other_branch"),
            (["release"], nil, "no_branch"), (["release"], "", "no_branch"),
        ] as [([String], String?, String?)]
    )
    func `a rule takes the branches that it names`(entries: [String], branch: String?, code: String?) {
        #expect(BranchFilter(entries).refusal(of: branch)?.code == code)
    }

    @Test(arguments: [[""], ["a b"], ["feature", "höt"], Array(repeating: "a", count: 21)])
    func `entries that can take nothing are refused`(entries: [String]) {
        let reason = #expect(throws: Reason.self) { try BranchFilter.check(entries) }
        #expect(reason?.field?.hasPrefix("branches") == true)
    }
}

@Suite struct ValuesYAMLTests {
    @Test func `later values win, mapping by mapping`() throws {
        let merged = try ValuesYAML.merge(["a: 1\nb:\n  c: 2\n  d: 3\n", "b:\n  c: 9\n"])
        #expect(merged.contains("a: 1"))
        #expect(merged.contains("c: 9"))
        #expect(merged.contains("d: 3"))
    }

    @Test(
        arguments: [
            (["web: {<<: {a: {p: 1}}}", "web: {a: {q: 2}}"], "web: {a: {p: 1, q: 2}}"),
            (["web: {a: 1}", "x: &x {a: 2, b: 3}\nweb: {<<: *x}"], "web: {a: 2, b: 3}\nx: {a: 2, b: 3}"),
            (["web: {<<: {a: 1}}", "web: {<<: {b: 2}}"], "web: {a: 1, b: 2}"),
            (["web: {<<: [{a: 1}, {a: 2, b: 2}], c: 3}", "web: {b: 4}"], "web: {a: 1, b: 4, c: 3}"),
            (["web: {<<: {<<: {a: 1}, b: 2}}", "web: {c: 3}"], "web: {a: 1, b: 2, c: 3}"),
            (["web: {a: 1, <<: {a: 2}}"], "web: {a: 2}"), (["web: {<<: {a: 2}, a: 1}"], "web: {a: 1}"),
            (["list: [{<<: {a: 1}}]"], "list: [{a: 1}]"),
            (["ports: {8080: a}", "ports: {\"8080\": b}"], "ports: {8080: b}"),
        ] as [([String], String)]
    )
    func `merge keys are resolved in each layer before it is laid over others, as with helm`(
        layers: [String],
        expected: String
    ) throws {
        let merged = try ValuesYAML.merge(layers)
        #expect(!merged.contains("<<"))
        #expect(merged.split(separator: "\n").filter { $0.contains("8080") }.count <= 1, "\(merged)")
        #expect(try ValuesTree(yaml: merged, field: "values") == ValuesTree(yaml: expected, field: "values"))
    }

    @Test(arguments: ["web: {<<: a}", "web: {<<: [{a: 1}, b]}", "<<: 5"])
    func `a merge key with something else than mappings is refused, as helm would`(text: String) {
        let reason = #expect(throws: Reason.self) { try ValuesYAML.merge([text]) }
        #expect(reason?.code == "invalid_yaml" && reason?.sentence.contains("'<<' in line 1") == true)
    }

    @Test(arguments: ["- a\n- b\n", "just text", "a: [1\n", "a: 1\na: 2\n"])
    func `what is no mapping is refused and not shown`(text: String) {
        let reason = #expect(throws: Reason.self) { try ValuesYAML.check(text, field: "values") }
        #expect(reason?.code == "invalid_yaml")
        #expect(reason?.sentence.contains("just text") == false)
    }
}
