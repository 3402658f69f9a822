import Logging
import Postgres
import Testing
import WorkerRuntime

@testable import Domain

/// What `release-worker` does with releases of any source, on a database.
@Suite struct ReleaseHandlerTests {
    final class World {
        let commands: CommandWorld
        private let handler: ReleaseHandler

        /// A world with an application, whose chart is named or not, and a rule.
        init(rule: String = "", chart: String = "") throws {
            commands = try CommandWorld.ready()
            try commands.connection.query("delete from version")
            try commands.request(
                "application.create",
                key: "shop",
                #"{"project":"shop","application":"api"\#(chart)}"#
            )
            try commands.request(
                "autodeploy.create",
                key: "shop/staging",
                #"{"project":"shop","environment":"staging","application":"api","instance":"api"\#(rule)}"#
            )
            handler = ReleaseHandler(fleetKey: commands.fleetKey, logger: Logger(label: "test"))
            _ = try commands.published()
        }

        func handle(_ messages: KafkaMessageView...) throws -> [Outcome] {
            try commands.connection.transaction { (transaction: borrowing PostgresTransaction) in
                try CommandWorld.run(handler, messages, in: transaction)
            }
        }

        func text(_ sql: String) throws -> String? {
            try commands.connection.query(sql).first?.optionalString(0)
        }

        /// How many requests the rule has made.
        func requests() throws -> Int64 {
            try commands.connection.query(
                "select count(*) from outbox_message where topic = 'deployment.requests'"
            ).only().int64(0)
        }
    }

    static func harbor(_ tag: String, id: String = "h1", digest: String = Webhook.digest) -> KafkaMessageView {
        Webhook.event("harbor.artifact.pushed", Webhook.pushed(tag, digest: digest, name: "api"), id: id)
    }

    static func gitHub(_ tag: String, id: String = "g1", branch: String = "master") -> KafkaMessageView {
        Webhook.event(
            "com.github.release",
            Webhook.gitHub(tag, commitish: branch).replacing(#""Web""#, with: #""Api""#),
            id: id
        )
    }

    static func gitLab(_ tag: String, id: String = "l1") -> KafkaMessageView {
        Webhook.event("com.gitlab.release", Webhook.gitLab(tag).replacing("backend/Web", with: "api"), id: id)
    }

    @Test func `another event under a used id, and one that is too old, are set aside with the reason`() throws {
        let world = try World()
        #expect(try world.handle(Self.harbor("1.4.2")) == [.applied])
        guard case .deadLettered(let reused) = try world.handle(Self.harbor("1.4.3"))[0] else {
            Issue.record("it was taken")
            return
        }
        #expect(reused.code == "id_reused" && reused.field == "ce_id")
        let old = KafkaMessageView(
            topic: "release.events",
            offset: 7,
            brokerTime: 1_600_000_000_000,
            key: "api",
            headers: [
                ("ce_specversion", "1.0"), ("ce_id", "o1"), ("ce_source", "/ci"),
                ("ce_type", "slipway.release.published.v1"), ("content-type", "application/json"),
            ],
            value: Array(#"{"artifact":"api","version":"9.0.0","image":"r.example/api:9.0.0"}"#.utf8)
        )
        guard case .deadLettered(let reason) = try world.handle(old)[0] else {
            Issue.record("it was taken")
            return
        }
        #expect(reason.code == "too_old")
        #expect(try world.text("select string_agg(version, ' ') from version where artifact = 'api'") == "1.4.2")
    }

    @Test func `the same version from every source is one version, and the rule fires once`() throws {
        let world = try World()
        #expect(try world.handle(Self.harbor("1.4.2")) == [.applied])
        #expect(try world.handle(Self.gitHub("v1.4.2")) == [.applied], "it tells the branch")
        #expect(try world.handle(Self.gitLab("1.4.2")) == [.applied], "it tells the commit")
        #expect(
            try world.handle(Self.harbor("1.4.2", id: "h2"), Self.gitHub("1.4.2", id: "g2")) == [.repeated, .repeated]
        )
        #expect(try world.text("select string_agg(version, ' ') from version where artifact = 'api'") == "1.4.2")
        #expect(
            try world.text("select concat_ws(' ', image, branch, commit_id) from version where artifact = 'api'")
                == "harbor.example/shop/api:1.4.2 master \(Webhook.commit)"
        )
        #expect(try world.requests() == 1)
        #expect(try world.text("select fired_version from auto_deploy_rule") == "1.4.2")
    }

    @Test func `an artifact and a version of as many characters as may be are stored, whatever their bytes`() throws {
        let world = try World()
        func text(_ count: Int) -> String {
            let scalars = (0..<count).compactMap { Unicode.Scalar(UInt32(0x20000 + 37 * $0)) }
            return String(String.UnicodeScalarView(scalars))
        }
        func body(_ artifact: Int, _ version: Int) -> String {
            #"{"artifact":"\#(text(artifact))","version":"\#(text(version))","image":"r.example/api:1"}"#
        }
        let type = "slipway.release.published.v1"
        #expect(try world.handle(Webhook.event(type, body(200, 128))) == [.applied])
        let stored = try world.text("select char_length(artifact) || ' ' || octet_length(version) from version")
        #expect(stored == "200 512")
        for (artifact, version) in [(201, 128), (200, 129)] {
            let message = Webhook.event(type, body(artifact, version))
            let refusal = #expect(throws: Refusal.self) { try ReleaseEventDecoder().decode(message) }
            #expect(refusal?.reason.code == "invalid_field")
        }
    }

    @Test func `an older version that comes behind a newer one does not take its place, whoever decides first`() throws
    {
        let world = try World()
        #expect(try world.handle(Self.harbor("2.0.0"), Self.harbor("1.9.5", id: "h2")) == [.applied, .applied])
        #expect(try world.handle(Self.harbor("1.9.6", id: "h3")) == [.applied])
        #expect(try world.requests() == 1)
        #expect(try world.text("select fired_version from auto_deploy_rule") == "2.0.0")
        #expect(try world.text("select last_reason_code from auto_deploy_rule") == "not_newer")
        // Refused, it is asked for no more, and holds nothing back.
        try world.commands.connection.script("update auto_deploy_rule set last_command_state = 'rejected'")
        #expect(try world.handle(Self.harbor("1.9.7", id: "h4")) == [.applied])
        #expect(try world.requests() == 2)
    }

    @Test func `an image and a digest that were empty are known once somebody tells them`() throws {
        let world = try World()
        let empty = #"{"artifact":"api","version":"1.4.2","image":"","digest":""}"#
        #expect(try world.handle(Webhook.event("slipway.release.published.v1", empty, id: "s1")) == [.applied])
        #expect(try world.text("select last_reason_code from auto_deploy_rule") == "nothing_to_run")
        // As older workers stored it.
        try world.commands.connection.script("update version set image = '', digest = '' where artifact = 'api'")
        #expect(try world.handle(Self.harbor("1.4.2")) == [.applied])
        #expect(try world.text("select digest from version where artifact = 'api'") == Webhook.digest)
        #expect(try world.requests() == 1)
    }

    @Test func `the same delivery twice is one delivery`() throws {
        let world = try World()
        #expect(try world.handle(Self.harbor("1.4.2"), Self.harbor("1.4.2")) == [.applied, .repeated])
        #expect(try world.requests() == 1)
    }

    @Test func `a release without an image waits for the registry`() throws {
        let world = try World()
        #expect(try world.handle(Self.gitHub("v1.4.2")) == [.applied])
        #expect(try world.requests() == 0)
        #expect(try world.text("select last_reason_code from auto_deploy_rule") == "nothing_to_run")
        #expect(try world.text("select last_version from auto_deploy_rule") == "v1.4.2")
        #expect(try world.handle(Self.harbor("1.4.2")) == [.applied])
        #expect(try world.requests() == 1)
        #expect(try world.text("select coalesce(last_reason, 'none') from auto_deploy_rule") == "none")
    }

    @Test func `an application with a chart is deployed at once, and again when the image is known`() throws {
        let world = try World(chart: #","chart":{"name":"api"}"#)
        #expect(try world.handle(Self.gitHub("1.4.2")) == [.applied])
        #expect(try world.requests() == 1)
        #expect(try world.handle(Self.gitLab("1.4.2")) == [.applied])
        #expect(try world.requests() == 1, "a commit changes nothing that runs")
        #expect(try world.handle(Self.harbor("1.4.2")) == [.applied])
        #expect(try world.requests() == 2)
    }

    @Test func `a rule for branches waits until the branch is known, and says why it rests`() throws {
        let world = try World(rule: #","branches":["hotfix"]"#)
        #expect(try world.handle(Self.harbor("1.4.2")) == [.applied])
        #expect(try world.text("select last_reason_code from auto_deploy_rule") == "no_branch")
        #expect(try world.handle(Self.gitHub("1.4.2", branch: "hotfix/login")) == [.applied])
        #expect(try world.requests() == 1)
        #expect(try world.handle(Self.harbor("1.4.3", id: "h2")) == [.applied])
        #expect(try world.handle(Self.gitHub("1.4.3", id: "g2")) == [.applied])
        #expect(try world.requests() == 1)
        #expect(
            try world.text("select last_reason from auto_deploy_rule")
                == "The branch 'master' is of the type master; the rule takes only: hotfix."
        )
    }

    @Test func `another digest under a known version is dead-lettered and changes nothing`() throws {
        let world = try World()
        let outcomes = try world.handle(Self.harbor("1.4.2"), Self.harbor("1.4.2", id: "h2", digest: "sha256:0"))
        guard case .deadLettered(let reason) = outcomes[1] else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(reason.code == "version_changed")
        #expect(try world.text("select digest from version where artifact = 'api'") == Webhook.digest)
        #expect(try world.requests() == 1)
    }

    @Test func `what is no release is rejected with its reason, and rejected again when it is repeated under a new id`()
        throws
    {
        let world = try World()
        let deleted = Webhook.event("harbor.artifact.deleted", Webhook.pushed(name: "api"), id: "d1")
        let again = Webhook.event("harbor.artifact.deleted", Webhook.pushed(name: "api"), id: "d2")
        let outcomes = try world.handle(deleted, again)
        #expect(try world.handle(deleted) == [.repeated])
        for outcome in outcomes {
            guard case .rejected(let reason) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(reason.code == "not_a_release")
        }
        #expect(try world.text("select version from version where artifact = 'api'") == nil)
    }
}
