import Foundation
import Postgres
import Sealing
import Testing

@testable import Domain
@testable import WorkerRuntime

/// A chart repository's password goes to the repository that it was given for.
@Suite struct ChartLoginTests {
    @Test(arguments: [
        ("https://charts.example/shop", "https://charts.example/shop", true),
        ("https://charts.example/shop", "https://Charts.Example:443/shop/", true),
        ("https://charts.example/shop", "https://charts.example/shop/stable", true),
        ("https://charts.example", "https://charts.example/other", true),
        ("https://charts.example/shop", "https://charts.example/shopping", false),
        ("https://charts.example/shop", "https://charts.example", false),
        ("https://charts.example/shop", "https://charts.example/shop/../other", false),
        ("https://charts.example/shop", "https://charts.example/shop/%2e%2e/other", false),
        ("https://charts.example/shop%20b", "https://charts.example/shop%20b", true),
        ("https://charts.example/shop", "http://charts.example/shop", false),
        ("https://charts.example/shop", "https://charts.example:8443/shop", false),
        ("https://charts.example/shop", "https://charts.example@evil.example/shop", false),
        ("https://charts.example", "https://charts.example.evil.example", false),
        ("https://charts.example", "https://evil.example\\@charts.example", false),
        ("oci://r.example/charts", "oci://r.example/charts/web", true),
        ("oci://r.example/charts", "oci://other.example/charts", false),
        ("oci://r.example/charts", "https://r.example/charts", false), ("charts", "charts", false),
        ("", "https://charts.example", false), ("file:///charts", "file:///charts", false),
    ])
    func `a login is meant for a repository and what lies under it`(own: String, other: String, isMeant: Bool) {
        #expect(ChartAddress.isLogin(for: own, meantFor: other) == isMeant)
        #expect(!ChartAddress.isLogin(for: own, meantFor: nil) && !ChartAddress.isLogin(for: nil, meantFor: other))
    }

    /// Sets the application's chart, with a login.
    private func move(to repository: String, _ world: CommandWorld) throws {
        let password = try CommandWorld.sealing.publicKey.seal(
            SecretBytes(utf8: "hunter2"),
            for: Binding("shop", "application", "web", "chart.password")
        ).text
        let chart = #"{"repository":"\#(repository)","name":"web","username":"ci","password":"\#(password)"}"#
        let body = #"{"project":"shop","application":"web","chart":\#(chart)}"#
        #expect(try world.request("application.update", key: "shop", body) == .applied)
        _ = try world.published()
    }

    /// What the agent was told last: the chart's repository, and whether a login went with it.
    private func told(_ world: CommandWorld) throws -> String {
        let message = try #require(try world.published("agent.commands.c1").last { $0.name == "release_requested" })
        let release = try JSONDecoder().decode(ReleaseRequested.self, from: Data(message.value))
        return "\(release.chart?.repository ?? "none") \(release.chartCredentials == nil ? "alone" : "with a login")"
    }

    @Test func `a version that names another repository is fetched without the application's login`() throws {
        let world = try CommandWorld.ready()
        try move(to: "https://charts.example/shop", world)
        try world.connection.script(
            """
            update version set chart_repository = 'https://evil.example/shop', chart_name = 'web' where version = '1.1.0'
            """
        )
        try world.deploy("1.0.0")
        #expect(try told(world) == "https://charts.example/shop with a login")
        try world.deploy("1.1.0")
        #expect(try told(world) == "https://evil.example/shop alone")
    }

    @Test func `a rollback to the time of another repository does not take the login there`() throws {
        let world = try CommandWorld.ready()
        try move(to: "https://old.example/shop", world)
        try world.deploy("1.0.0")
        #expect(try told(world) == "https://old.example/shop with a login")
        try world.succeed(try world.lastCommand())
        try move(to: "https://new.example/shop", world)
        try world.deploy("1.1.0")
        #expect(try told(world) == "https://new.example/shop with a login")
        try world.succeed(try world.lastCommand())
        _ = try world.published()
        try world.order("rollback")
        #expect(try told(world) == "https://old.example/shop alone")
    }
}
