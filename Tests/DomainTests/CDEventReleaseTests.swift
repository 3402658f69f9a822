import Testing
import WorkerRuntime

@testable import Domain

/// What a CDEvent must name to be a release, and what is read from it.
@Suite struct CDEventReleaseTests {
    /// What is made of an artifact that is known by its package URL.
    private func content(_ subject: String, _ custom: String = "") throws -> Result<Release, Reason> {
        let type = "dev.cdevents.artifact.published.0.3.0"
        let body =
            #"{"context":{"specversion":"0.5.1","id":"1","source":"/ci","type":"\#(type)","#
            + #""timestamp":"2026-11-23T08:00:00Z"},"subject":{"id":"\#(subject)","content":{}}\#(custom)}"#
        return try ReleaseEventDecoder().decode(Webhook.event(type, body)).content
    }

    @Test(arguments: [("web:1.4.2", "invalid_purl"), ("pkg:oci/web", "missing_version")])
    func `an artifact without a package URL or a version is dead-lettered, saying so`(subject: String, code: String) {
        let refusal = #expect(throws: Refusal.self) { try content(subject) }
        #expect(refusal?.reason.code == code)
        #expect(refusal?.reason.field == "subject.id")
    }

    @Test(arguments: ["oci/we%00b?tag=1.4.2", "oci/web?tag=1.4.2%00", "docker/sh%00op/web@1.4.2", "oci/web@%00?tag=1"])
    func `a package URL with U+0000, which cannot be stored, is refused`(purl: String) {
        let refusal = #expect(throws: Refusal.self) { try content("pkg:\(purl)") }
        #expect(refusal?.reason.code == "nul_character" && refusal?.reason.field == "subject.id")
    }

    @Test func `a percent sign before two zeros is no U+0000`() throws {
        #expect(try content("pkg:oci/web?tag=1.4.2&note=%2500").get().version == "1.4.2")
    }

    @Test(arguments: [
        "", ".sig", ".att", ".sbom",
    ])
    func `what signs or describes an image is no release`(ending: String) throws {
        let tag = Webhook.digest.replacing(":", with: "-") + ending
        let content = try content("pkg:oci/web?repository_url=r.example/shop/web&tag=\(tag)")
        let reason = #expect(throws: Reason.self) { try content.get() }
        #expect(reason?.code == "not_a_release")
        #expect(reason?.field == "subject.id")
    }

    @Test(
        arguments: [
            ("oci/web?repository_url=https://r.example:5000/Shop/web&tag=1.4.2", "shop/web"),
            ("oci/web?repository_url=r.example/web&tag=1.4.2", nil), ("oci/web?tag=1.4.2", nil),
            ("docker/shop/web@1.4.2", "shop/web"), ("docker/shop/web@1.4.2?repository_url=r.example", "shop/web"),
            ("github/Shop/web@1.4.2", "shop/web"), ("generic/web@1.4.2", nil),
            ("maven/org.example/web@1.4.2?repository_url=https%3A%2F%2Fnexus.example%2Frepo", "org.example/web"),
        ] as [(String, String?)]
    )
    func `a package URL tells the path of what it is of`(purl: String, path: String?) throws {
        #expect(try content("pkg:\(purl)").get().path == path)
    }

    @Test(
        arguments: [
            ("oci/web?repository_url=r.example/shop/web&tag=1.4.2", "r.example/shop/web:1.4.2"),
            ("oci/web?repository_url=r.example/shop&tag=1.4.2", "r.example/shop/web:1.4.2"),
            (
                "oci/web?repository_url=https%3A%2F%2Fr.example%3A5000%2Fshop%2Fweb%2F&tag=1.4.2",
                "r.example:5000/shop/web:1.4.2"
            ),
            ("oci/web?repository_url=oci://r.example/shop/web&tag=1.4.2", "r.example/shop/web:1.4.2"),
            ("oci/web?repository_url=&tag=1.4.2", nil), ("oci/web?repository_url=https://&tag=1.4.2", nil),
            ("oci/web?tag=1.4.2", nil), ("docker/shop/web@1.4.2", nil),
            ("docker/shop/web@1.4.2?repository_url=r.example", "r.example/shop/web:1.4.2"),
            ("docker/shop/web@1.4.2?repository_url=https://r.example/", "r.example/shop/web:1.4.2"),
            ("docker/shop/web@1.4.2?repository_url=r.example/shop/web", "r.example/shop/web:1.4.2"),
            ("docker/web@1.4.2?repository_url=r.example", "r.example/web:1.4.2"),
            ("maven/org.example/web@1.4.2?repository_url=https%3A%2F%2Fnexus.example%2Frepository", nil),
            ("npm/web@1.4.2?repository_url=npm.example", nil), ("helm/web@1.4.2?repository_url=charts.example", nil),
        ] as [(String, String?)]
    )
    func `a package URL names an image where its type is one`(purl: String, image: String?) throws {
        #expect(try content("pkg:\(purl)").get().image == image)
    }

    @Test(
        arguments: [
            (#""image":"","branch":"","commit":"","values":"","chart":{"name":"","repository":"","version":""}"#, nil),
            (#""image":"r.example/other:1","chart":{"name":"web","repository":""}"#, "r.example/other:1"),
        ] as [(String, String?)]
    )
    func `what is empty is absent`(custom: String, image: String?) throws {
        let subject = "pkg:oci/web?repository_url=r.example/shop/web&tag=1.4.2"
        let release = try content(subject, ",\"customData\":{\(custom)}").get()
        #expect(release.image == image ?? "r.example/shop/web:1.4.2")
        #expect(release.branch == nil && release.commit == nil && release.values == nil)
        #expect(release.chart?.repository == nil && release.chart?.name == (image == nil ? nil : "web"))
    }

    @Test(arguments: [
        ("oci/we%20b?tag=1.4.2", "", "subject.id"), ("oci/web?tag=1.4%202", "", "subject.id"),
        ("generic/web@1.4%202", "", "subject.id"), ("oci/web", #""version":"1.4 2""#, "customData.version"),
        ("oci/web?tag=1.4.2", #""values":"- a""#, "customData.values"),
    ])
    func `what is wrong is named as its sender wrote it`(purl: String, custom: String, field: String) {
        let refusal = #expect(throws: Refusal.self) { try content("pkg:\(purl)", ",\"customData\":{\(custom)}") }
        #expect(refusal?.reason.field == field)
        #expect(refusal?.reason.sentence.contains("'\(field)'") == true)
    }

    @Test func `a chart without a name is refused by its field`() {
        let custom = #","customData":{"chart":{"name":"","repository":"https://charts.example"}}"#
        let refusal = #expect(throws: Refusal.self) { try content("pkg:oci/web?tag=1.4.2", custom) }
        #expect(refusal?.reason.code == "invalid_field" && refusal?.reason.field == "customData.chart.name")
    }

    @Test(arguments: [
        ("pkg:oci/web?repository_url=https%3A%2F%2Fci%3Ahunter2%40r.example&tag=1", "", "subject.id"),
        ("https://ci:hunter2@r.example/web", "", "subject.id"),
        (
            "pkg:oci/web?tag=1.4.2",
            #","customData":{"chart":{"name":"web","repository":"https://ci:hunter2@charts.example"}}"#,
            "customData.chart.repository"
        ),
    ])
    func `a password in an address is refused and not shown`(subject: String, custom: String, field: String) {
        let refusal = #expect(throws: Refusal.self) { try content(subject, custom) }
        #expect(refusal?.reason.code == "password_in_address" && refusal?.reason.field == field)
        #expect(refusal?.reason.sentence.contains("hunter2") == false)
    }

    @Test(arguments: ["1.4.2", "sha256-abc", "sha-8a9e9863", "2026.11-nightly"])
    func `other tags are versions`(tag: String) throws {
        #expect(try content("pkg:oci/web?repository_url=r.example/shop/web&tag=\(tag)").get().version == tag)
    }
}
