import CloudEvents
import Testing
import WorkerRuntime

@testable import Domain

@Suite struct ReleaseWebhookTests {
    struct Accepted: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let message: KafkaMessageView
        let release: Release
    }

    static let time: Int64 = 1_763_884_800_000_000
    static let image = Release(
        artifact: "web",
        version: "1.4.2",
        image: "harbor.example/shop/web:1.4.2",
        digest: Webhook.digest,
        publishedAt: time,
        path: "shop/web"
    )
    static let gitLab = Release(
        artifact: "web",
        version: "1.4.2",
        commit: Webhook.commit,
        publishedAt: time,
        path: "shop/backend/web"
    )
    static let gitHub = Release(
        artifact: "web",
        version: "1.4.2",
        branch: "release/1.4",
        publishedAt: time,
        path: "shop/web"
    )

    static func with(_ release: Release, _ change: (inout Release) -> Void) -> Release {
        var release = release
        change(&release)
        return release
    }

    static let structured = KafkaMessageView(
        topic: "release.events",
        key: "web",
        headers: [("content-type", "application/cloudevents+json")],
        value: Array(
            #"""
            {"specversion":"1.0","requestid":"2eedfab8","id":"4b2f89a6","source":"/projects/1/webhook/policies/3",
            "type":"harbor.artifact.pushed","datacontenttype":"application/json","time":"2025-11-23T08:00:00Z",
            "data":\#(Webhook.pushed()),"operator":"robot$ci"}
            """#.utf8
        )
    )

    static let accepted: [Accepted] = [
        Accepted(testDescription: "Harbor, structured", message: structured, release: image),
        Accepted(
            testDescription: "Harbor, binary",
            message: Webhook.event(
                "harbor.artifact.pushed",
                Webhook.pushed(),
                headers: [("ce_time", "2025-11-23T08:00:00Z")]
            ),
            release: image
        ),
        Accepted(
            testDescription: "Harbor, default format",
            message: Webhook.event("io.goharbor.webhook", Webhook.harbor()),
            release: image
        ),
        Accepted(
            testDescription: "Harbor, a repository in a path",
            message: Webhook.event(
                "io.goharbor.webhook",
                Webhook.harbor("PUSH_ARTIFACT", Webhook.pushed(name: "backend/web"))
            ),
            release: with(image) {
                $0.image = "harbor.example/shop/backend/web:1.4.2"
                $0.path = "shop/backend/web"
            }
        ),
        Accepted(
            testDescription: "Harbor, a chart",
            message: Webhook.event(
                "io.goharbor.webhook",
                Webhook.harbor("PUSH_ARTIFACT", Webhook.pushed("1.4.2_7", name: "charts/web")),
                headers: [("ce_artifactkind", "chart")]
            ),
            release: Release(
                artifact: "web",
                version: "1.4.2+7",
                chart: ChartReference(repository: "oci://harbor.example/shop/charts", name: "web", version: "1.4.2+7"),
                publishedAt: time,
                path: "shop/charts/web"
            )
        ),
        Accepted(
            testDescription: "GitLab",
            message: Webhook.event("com.gitlab.release", Webhook.gitLab()),
            release: gitLab
        ),
        Accepted(
            testDescription: "GitLab, the action among the attributes",
            message: Webhook.event(
                "com.gitlab.release",
                Webhook.gitLab().replacing(
                    #""action":"create""#,
                    with: #""object_attributes":{"action":"create"}"#
                )
            ),
            release: gitLab
        ),
        Accepted(
            testDescription: "GitLab, plain",
            message: Webhook.plain(
                Webhook.gitLab(),
                [("X-Gitlab-Event", "Release Hook"), ("X-Gitlab-Event-UUID", "13792a34")]
            ),
            release: gitLab
        ),
        Accepted(
            testDescription: "GitHub",
            message: Webhook.event("com.github.release", Webhook.gitHub()),
            release: gitHub
        ),
        Accepted(
            testDescription: "GitHub, a prerelease that became a release, the action in the type",
            message: Webhook.event("com.github.release.released", Webhook.gitHub(action: "released")),
            release: gitHub
        ),
        Accepted(
            testDescription: "GitHub, of a commit",
            message: Webhook.event("com.github.release", Webhook.gitHub(commitish: Webhook.commit)),
            release: with(gitHub) {
                $0.branch = nil
                $0.commit = Webhook.commit
            }
        ),
        Accepted(
            testDescription: "GitHub, plain, headers in lower case",
            message: Webhook.plain(
                Webhook.gitHub(),
                [("x-github-event", "release"), ("x-github-delivery", "72d3162e")]
            ),
            release: gitHub
        ),
    ]

    @Test(arguments: accepted)
    func `a webhook's release is read`(example: Accepted) throws {
        #expect(try ReleaseEventDecoder().decode(example.message).content.get() == example.release)
    }

    @Test(
        arguments: [
            ("harbor.artifact.deleted", Webhook.pushed(), "not_a_release", "ce_type"),
            ("harbor.scan.completed", "{}", "not_a_release", "ce_type"),
            ("harbor.artifact.pushed", Webhook.pushed(Webhook.digest), "untagged", "resources[0].tag"),
            ("io.goharbor.webhook", Webhook.harbor("SCANNING_COMPLETED"), "not_a_release", "type"),
            ("io.goharbor.webhook", #"{"type":"QUOTA_EXCEED"}"#, "not_a_release", "type"),
            (
                "io.goharbor.webhook", Webhook.harbor("PUSH_ARTIFACT", Webhook.pushed("")), "untagged",
                "event_data.resources[0].tag"
            ),
            ("harbor.artifact.pushed", Webhook.pushed(Webhook.signature), "not_a_release", "resources[0].tag"),
            (
                "io.goharbor.webhook", Webhook.harbor("PUSH_ARTIFACT", Webhook.pushed(Webhook.signature)),
                "not_a_release", "event_data.resources[0].tag"
            ),
            ("com.gitlab.tag_push", "{}", "not_a_release", "ce_type"),
            ("com.gitlab.release", Webhook.gitLab(kind: "tag_push"), "not_a_release", "object_kind"),
            ("com.gitlab.release", Webhook.gitLab(action: "update"), "not_a_release", "action"),
            ("com.gitlab.release", Webhook.gitLab(action: "delete"), "not_a_release", "action"),
            ("com.github.push", "{}", "not_a_release", "ce_type"),
            ("com.github.release", Webhook.gitHub(action: "edited"), "not_a_release", "action"),
            ("com.github.release.deleted", Webhook.gitHub(action: "deleted"), "not_a_release", "action"),
            ("com.github.release", Webhook.gitHub(action: "prereleased"), "not_a_release", "action"),
            ("com.github.release", Webhook.gitHub(more: #""draft":true"#), "draft", "release.draft"),
            ("com.github.release", Webhook.gitHub(more: #""prerelease":true"#), "prerelease", "release.prerelease"),
        ]
    )
    func `what is no release is told with the reason`(type: String, body: String, code: String, field: String) throws {
        let content = try ReleaseEventDecoder().decode(Webhook.event(type, body)).content
        let reason = #expect(throws: Reason.self) { try content.get() }
        #expect(reason?.code == code)
        #expect(reason?.field == field)
    }

    @Test(
        arguments: [
            ("harbor.artifact.pushed", "{}", "missing_field", "resources"),
            (
                "harbor.artifact.pushed", Webhook.pushed().replacing(#""name""#, with: #""nam""#), "missing_field",
                "repository.name"
            ),
            ("harbor.artifact.pushed", Webhook.pushed().replacing("[{", with: "[{},{"), "invalid_field", "resources"),
            (
                "harbor.artifact.pushed", Webhook.pushed().replacing("resource_url", with: "url"), "invalid_field",
                "resources[0].resource_url"
            ),
            ("harbor.artifact.pushed", Webhook.pushed(name: "we b"), "invalid_field", "repository.name"),
            ("io.goharbor.webhook", #"{"occur_at":1}"#, "missing_field", "type"),
            ("io.goharbor.webhook", #"{"type":"PUSH_ARTIFACT"}"#, "missing_field", "event_data"),
            (
                "io.goharbor.webhook", Webhook.harbor().replacing("1763884800", with: #""now""#), "wrong_type",
                "occur_at"
            ),
            ("com.gitlab.release", "{}", "missing_field", "object_kind"),
            (
                "com.gitlab.release", Webhook.gitLab().replacing(#""action""#, with: #""act""#), "missing_field",
                "action"
            ),
            ("com.gitlab.release", Webhook.gitLab().replacing(#""tag""#, with: #""t""#), "missing_field", "tag"),
            ("com.gitlab.release", Webhook.gitLab("a b"), "invalid_field", "tag"),
            (
                "com.gitlab.release", Webhook.gitLab().replacing("path_with_namespace", with: "path"), "missing_field",
                "project.path_with_namespace"
            ),
            ("com.github.release", "{}", "missing_field", "action"),
            ("com.github.release", #"{"action":"published"}"#, "missing_field", "release"),
            (
                "com.github.release", Webhook.gitHub().replacing("tag_name", with: "tag"), "missing_field",
                "release.tag_name"
            ),
            ("com.github.release", Webhook.gitHub(""), "invalid_field", "release.tag_name"),
            ("com.github.release", Webhook.gitHub(more: #""draft":"no""#), "wrong_type", "release.draft"),
            ("com.github.release", "not json", "not_json", ""),
            ("org.example.release", "{}", "unknown_type", "ce_type"),
        ]
    )
    func `what cannot be read is refused by its field`(type: String, body: String, code: String, field: String) {
        let refusal = #expect(throws: Refusal.self) { try ReleaseEventDecoder().decode(Webhook.event(type, body)) }
        #expect(refusal?.reason.code == code)
        #expect(refusal?.reason.field == field)
        #expect(refusal?.reason.sentence.contains(field) == true || field.hasPrefix("ce_"))
    }

    @Test func `an unknown kind of artifact is refused`() {
        let message = Webhook.event("harbor.artifact.pushed", Webhook.pushed(), headers: [("ce_artifactkind", "jar")])
        let refusal = #expect(throws: Refusal.self) { try ReleaseEventDecoder().decode(message) }
        #expect(refusal?.reason.field == "ce_artifactkind")
    }

    @Test func `a plain delivery is known by its id, or by its body`() throws {
        func id(_ headers: [(String, String)], _ body: String = Webhook.gitHub()) throws -> String {
            try ReleaseEventDecoder().decode(Webhook.plain(body, [("X-GitHub-Event", "release")] + headers)).id
        }
        #expect(try id([("X-GitHub-Delivery", "72d3162e")]) == "72d3162e")
        #expect(try id([]) == id([]))
        #expect(try id([]) != id([], Webhook.gitHub("1.4.3")))
        #expect(try id([("X-GitHub-Delivery", "a\u{0}b")]) == id([]), "which cannot be stored")
    }

    @Test func `a trace that cannot be stored is left out`() throws {
        func trace(_ parent: String, _ state: String) throws -> TraceContext? {
            let headers = [("X-GitHub-Event", "release"), ("traceparent", parent), ("tracestate", state)]
            return try ReleaseEventDecoder().decode(Webhook.plain(Webhook.gitHub(), headers)).trace
        }
        #expect(try trace("00-a", "b=c") == TraceContext(parent: "00-a", state: "b=c"))
        #expect(try trace("00-a", "b=\u{0}") == TraceContext(parent: "00-a"))
        #expect(try trace("00-\u{0}", "b=c") == nil)
    }

    @Test func `plain messages of unknown products are refused as what they are: no CloudEvents`() {
        let message = Webhook.plain(Webhook.harbor(), [])
        let refusal = #expect(throws: Refusal.self) { try ReleaseEventDecoder().decode(message) }
        #expect(refusal?.reason.field == "ce_specversion")
    }

    @Test func `a form is refused, since the body is to be JSON`() {
        let message = KafkaMessageView(
            topic: "release.events",
            key: nil,
            headers: [("content-type", "application/x-www-form-urlencoded"), ("X-GitHub-Event", "release")],
            value: Array("payload=%7B%7D".utf8)
        )
        let refusal = #expect(throws: Refusal.self) { try ReleaseEventDecoder().decode(message) }
        #expect(refusal?.reason.code == "unsupported_content_type")
    }
}
