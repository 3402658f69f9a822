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

    @Test(arguments: ["1.4.2", "sha256-abc", "sha-8a9e9863", "2026.11-nightly"])
    func `other tags are versions`(tag: String) throws {
        #expect(try content("pkg:oci/web?repository_url=r.example/shop/web&tag=\(tag)").get().version == tag)
    }
}
