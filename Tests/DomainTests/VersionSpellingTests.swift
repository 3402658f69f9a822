import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// `v1.4.2` and `1.4.2` are one version to whoever asks for it, too.
@Suite struct VersionSpellingTests {
    let world: CommandWorld

    /// An instance that runs the version 1.0.0; another version is known as `v1.2.0`.
    init() throws {
        world = try CommandWorld.ready()
        try world.publishVersion("v1.2.0")
        #expect(try world.deploy("v1.0.0") == .applied)
        try world.succeed(try world.lastCommand())
    }

    /// Asks for a version and lets it succeed; returns which one the agent was told to run.
    private func told(_ verb: String, _ version: String) throws -> String? {
        _ = try world.published()
        let command = try world.order(verb, #""version":"\#(version)""#)
        let told = try world.published("agent.commands.c1").last?["version"]
        try world.succeed(command)
        return told
    }

    @Test func `each operation takes either spelling, and the first one stays`() throws {
        #expect(try world.text("select running_version from instance") == "1.0.0")
        #expect(try told("upgrade", "1.2.0") == "v1.2.0")
        #expect(
            try world.refusal("instance.upgrade", #""instance":"web","version":"v1.2.0""#)?.hasPrefix("no_change")
                == true
        )
        #expect(try told("upgrade", "V1.1.0") == "1.1.0")
        #expect(try told("rollback", "1.2.0") == "v1.2.0")
        #expect(try told("rollback", "v1.1.0") == "1.1.0")
    }

    @Test func `what an instance runs is announced with the digest, however its version was spelled then`() throws {
        try world.connection.script("update version set digest = 'sha256:ab' where version = 'v1.2.0'")
        let command = try world.order("upgrade", #""version":"1.2.0""#)
        // As older workers wrote it.
        try world.connection.script("update instance set desired_version = '1.2.0'")
        _ = try world.published()
        try world.succeed(command)
        let announced = try #require(try world.published("cdevents").last)
        #expect(announced["subject.content.artifactId"]?.contains("sha256%3Aab") == true)
    }

    @Test(arguments: [
        ("v1.4.2", "1.4.2"), ("V1", "1"), ("1.4.2", "1.4.2"), ("vnext", "vnext"), ("v", "v"), ("vv1", "vv1"), ("", ""),
    ])
    func `the code and the database tell the same number`(version: String, number: String) throws {
        #expect(VersionStore.number(version) == number)
        let told = try world.connection.query("select version_number($1)", [.text(version)]).only().string(0)
        #expect(told == number)
    }
}
