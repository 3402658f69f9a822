import Logging
import Postgres
import Testing
import WorkerRuntime

@testable import Domain

/// Two repositories end in the same word: nobody runs the other's image unawares, and either may be named.
@Suite struct RepositoryNameTests {
    final class World {
        let commands: CommandWorld
        private let handler: ReleaseHandler

        /// The projects `shop` and `payments`, each with an application `web` and a rule that deploys it.
        ///
        /// - Parameter artifact: What the application of `payments` names.
        init(payments artifact: String = "web") throws {
            commands = try CommandWorld.ready()
            handler = ReleaseHandler(fleetKey: commands.fleetKey, logger: Logger(label: "test"))
            try commands.connection.query("delete from version")
            try commands.request(
                "project.create",
                key: "payments",
                #"{"project":"payments","owners":["olga"]}"#,
                as: "root"
            )
            let place = #""project":"payments","environment":"staging""#
            try commands.request("environment.create", key: "payments/staging", #"{\#(place),"cluster":"c1"}"#)
            try commands.report("applied", of: try commands.lastCommand(), #""objects":[]"#)
            try commands.request(
                "application.create",
                key: "payments",
                #"{"project":"payments","application":"web","artifact":"\#(artifact)"}"#
            )
            for project in ["shop", "payments"] {
                try commands.request(
                    "autodeploy.create",
                    key: "\(project)/staging",
                    #"{"project":"\#(project)","environment":"staging","application":"web","instance":"web"}"#
                )
            }
            _ = try commands.published()
        }

        /// Handles one event; returns what became of it, and the environments whose rules fired.
        func handle(_ message: KafkaMessageView) throws -> (outcome: Outcome?, fired: [String]) {
            let outcomes = try commands.connection.transaction { (transaction: borrowing PostgresTransaction) in
                try CommandWorld.run(handler, [message], in: transaction)
            }
            return (outcomes.first, try commands.published("deployment.requests").map(\.key))
        }

        /// The versions that are known, each with its artifact.
        func versions() throws -> String? {
            try commands.text(
                #"select string_agg(artifact || ' ' || version, ', ' order by artifact, version) from version"#
            )
        }

        /// Deploys a version in `payments`; returns the image that the agent is told to run, or why it is refused.
        func deploy(_ version: String) throws -> String? {
            let place = #""project":"payments","environment":"staging""#
            let outcome = try commands.request(
                "instance.deploy",
                key: "payments/staging",
                #"{\#(place),"application":"web","instance":"web","version":"\#(version)"}"#
            )
            if case .rejected(let reason) = outcome { return reason.code }
            return try commands.published("agent.commands.c1").last?["image"]
        }
    }

    static func pushed(_ project: String, _ version: String, host: String = "harbor.example") -> KafkaMessageView {
        let body = Webhook.pushed(version, digest: "sha256:\(project)\(version)")
            .replacing("shop/", with: "\(project)/").replacing("harbor.example", with: host)
        return Webhook.event("harbor.artifact.pushed", body, id: "\(host) \(project) \(version)")
    }

    @Test func `an application that names a path gets the versions of that path, and no other's`() throws {
        let world = try World(payments: "payments/web")
        let shop = try world.handle(Self.pushed("shop", "1.4.2"))
        #expect(shop.outcome == .applied && shop.fired == ["shop/staging"])
        let payments = try world.handle(Self.pushed("payments", "1.4.2"))
        #expect(payments.outcome == .applied && payments.fired == ["payments/staging"])
        #expect(try world.versions() == "payments/web 1.4.2, shop/web 1.4.2, web 1.4.2")
        #expect(try world.deploy("1.4.2") == "harbor.example/payments/web:1.4.2")
    }

    @Test func `the repository that has a short name keeps it, wherever its registry moves`() throws {
        let world = try World()
        #expect(try world.handle(Self.pushed("shop", "1.4.2")).outcome == .applied)
        let other = try world.handle(Self.pushed("payments", "1.5.0"))
        #expect(other.outcome == .applied && other.fired == [])
        let same = try world.handle(Self.pushed("payments", "1.4.2"))
        #expect(same.outcome == .applied && same.fired == [])
        #expect(try world.versions() == "payments/web 1.4.2, payments/web 1.5.0, shop/web 1.4.2, web 1.4.2")
        #expect(try world.handle(Self.pushed("shop", "1.6.0", host: "new.example:5000")).fired.contains("shop/staging"))
    }

    @Test func `an event that names no path is set aside where the name is another repository's`() throws {
        let world = try World()
        #expect(try world.handle(Self.pushed("shop", "1.4.2")).outcome == .applied)
        let body = #"{"artifact":"web","version":"2.0.0","image":"r.example/payments/web:2.0.0"}"#
        let refused = try world.handle(Webhook.event("slipway.release.published.v1", body, id: "s1"))
        guard case .deadLettered(let reason) = refused.outcome else {
            Issue.record("it was taken")
            return
        }
        #expect(reason.code == "another_repository" && reason.field == "artifact" && refused.fired == [])
        #expect(reason.sentence.contains("'payments/web'"))
        let named = body.replacing(#""artifact":"web""#, with: #""artifact":"payments/web""#)
        #expect(try world.handle(Webhook.event("slipway.release.published.v1", named, id: "s2")).outcome == .applied)
    }

    @Test func `a rule leaves what runs where a short name brings another repository's image`() throws {
        let world = try World()
        // What was published before either was told from the other.
        try world.commands.publishVersion("1.0.0", of: "web")
        try world.commands.connection.script("update version set image = 'r.example/payments/web:1.0.0'")
        #expect(try world.deploy("1.0.0") == "r.example/payments/web:1.0.0")
        try world.commands.connection.script("update version set image = 'r.example/shop/web:1.0.0'")
        let pushed = try world.handle(Self.pushed("shop", "1.4.2"))
        #expect(pushed.outcome == .applied && pushed.fired == ["shop/staging"])
        #expect(
            try world.commands.text("select string_agg(last_reason_code, ' ') from auto_deploy_rule")
                == "another_repository"
        )
    }

    @Test func `a chart and an image of one short name complete each other`() throws {
        let world = try World()
        #expect(try world.handle(Self.pushed("shop", "1.4.2")).outcome == .applied)
        let body = Webhook.pushed(name: "charts/web")
        func chart(_ id: String, _ body: String) -> KafkaMessageView {
            Webhook.event("harbor.artifact.pushed", body, id: id, headers: [("ce_artifactkind", "chart")])
        }
        #expect(try world.handle(chart("c1", body)).outcome == .applied)
        let known = "select image || ' ' || chart_repository from version where artifact = 'web'"
        #expect(try world.commands.text(known) == "harbor.example/shop/web:1.4.2 oci://harbor.example/shop/charts")
        let other = body.replacing("shop/", with: "payments/").replacing("1.4.2", with: "1.4.3")
        #expect(try world.handle(chart("c2", other)).outcome == .applied)
        #expect(
            try world.versions()
                == "payments/charts/web 1.4.3, shop/charts/web 1.4.2, shop/web 1.4.2, web 1.4.2"
        )
    }

    @Test func `what was known before paths were is found by the path of its image`() throws {
        let world = try World(payments: "payments/web")
        for project in ["shop", "payments"] {
            let version = project == "shop" ? "1.0.0" : "1.1.0"
            try world.commands.publishVersion(version)
            try world.commands.connection.script(
                "update version set image = 'r.example/\(project)/web:\(version)' where version = '\(version)'"
            )
        }
        #expect(try world.deploy("1.0.0") == "unknown_version")
        #expect(try world.deploy("1.1.0") == "r.example/payments/web:1.1.0")
    }

    @Test func `an image that only the short name knows is that of the path in which it lies`() throws {
        let world = try World(payments: "payments/web")
        // An event of the sources told of the path, after a worker that knows no paths had read of the image.
        for name in ["web", "payments/web"] { try world.commands.publishVersion("1.0.0", of: name) }
        try world.commands.connection.script(
            """
            update version set image = case when artifact = 'web' then 'r.example/payments/web:1.0.0' end
            """
        )
        #expect(try world.deploy("1.0.0") == "r.example/payments/web:1.0.0")
        try world.commands.connection.script(
            "update version set image = 'r.example/shop/web:1.0.0' where artifact = 'web'"
        )
        #expect(try world.deploy("1.0.0") != "r.example/shop/web:1.0.0")
    }

    @Test(arguments: [
        ("registry.example:5000/shop/Web:1.4.2@sha256:ab", "shop/web"), ("registry.example/web", "web"),
        ("localhost/shop/web:1", "shop/web"), ("shop/web:1", "shop/web"), ("web:1", "web"), ("web", "web"), ("", ""),
        ("localhost:5000/web", "web"), ("https://registry.example/shop/web:1", "shop/web"),
        ("oci://registry.example:5000/shop/web@sha256:ab", "shop/web"), ("docker://web:1", "web"),
        ("docker.io/library/web:1", "library/web"),
    ])
    func `an image lies in a path of its registry`(image: String, path: String) {
        #expect(RepositoryPath.of(image: image) == path)
    }

    @Test(arguments: [
        ("web", "web", true), ("library/web", "web", true), ("web", "library/web", true), ("shop/web", "web", false),
        ("library/shop/web", "shop/web", true), ("shop/library/web", "shop/web", false),
    ])
    func `what Docker Hub has in its library is what is named without it`(one: String, other: String, isSame: Bool) {
        #expect(RepositoryPath.isSame(one, other) == isSame)
        let release = Release(artifact: "web", version: "1.0.0", image: "docker.io/\(one):1")
        #expect((release.refusal(knownImage: "mirror.example/\(other):0", knownChart: nil) == nil) == isSame)
    }

    @Test(
        arguments: [
            ("shop/web", "shop/web"), ("/Shop//web/", "shop/web"), ("web", nil), ("", nil), ("shop/we b", nil),
            ("shop/\(String(repeating: "x", count: 196))", nil),
        ] as [(String, String?)]
    )
    func `a path is what applications can name`(text: String, path: String?) {
        #expect(Release.path(text) == path)
    }
}
