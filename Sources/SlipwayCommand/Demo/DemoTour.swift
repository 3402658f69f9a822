import Foundation
import Postgres
import Sealing
import WorkerRuntime

/// What comes after the first instance: everything else that people do with the fleet, and how it looks afterwards.
struct DemoTour {
    let world: DemoWorld
    let requests: DemoRequests
    let terminal: Terminal

    private static let staging = ["project=shop", "environment=staging"]
    private static let production = ["project=shop", "environment=production"]

    /// Takes each step in its turn, then shows the overviews.
    func run() throws {
        terminal.line("\n\(terminal.paint("A tour of the rest:", .bold)) \(people)\n")
        try makeEnvironments()
        try makeObjects()
        try deploy()
        try showOverviews()
    }

    private var people: String {
        "\(DemoWorld.owner) owns the project shop, \(DemoWorld.member) is a member of it and works in staging"
    }

    private func makeEnvironments() throws {
        let (owner, member) = (DemoWorld.owner, DemoWorld.member)
        try requests.ask(
            "project.members",
            ["project=shop", "owners:=[\"\(owner)\"]", "members:=[\"\(member)\"]"],
            "\(member) becomes a member of shop"
        )
        try requests.ask(
            "environment.assign",
            Self.staging + ["users:=[\"\(member)\"]", "openToMembers:=false"],
            "staging is assigned to \(member)"
        )
        try requests.ask(
            "environment.create",
            Self.production + ["cluster=\(DemoWorld.cluster)"],
            "the environment shop/production, which is assigned to nobody"
        )
        try requests.ask(
            "project.create",
            ["project=payments", "owners:=[\"\(owner)\"]"],
            "a second project, payments",
            as: DemoWorld.administrator
        )
        try requests.ask(
            "environment.create",
            ["project=payments", "environment=test", "cluster=\(DemoWorld.cluster)"],
            "the environment payments/test"
        )
    }

    private func makeObjects() throws {
        let member = DemoWorld.member
        try requests.ask(
            "network.create",
            Self.staging + [
                "network=web-public", "target:={\"instances\":[\"web\"]}",
                "ports:=[{\"port\":80,\"targetPort\":8080}]",
            ],
            "a network that leads to the instance web, made by \(member)",
            as: member
        )
        try requests.ask(
            "certificate.request",
            Self.staging + ["certificate=shop", "domains:=[\"shop.example.org\"]"],
            "a certificate for shop.example.org"
        )
        try requests.ask(
            "domain.create",
            Self.staging + [
                "domain=shop", "host=shop.example.org", "certificate=shop",
                "paths:=[{\"path\":\"/\",\"network\":\"web-public\",\"port\":80}]",
            ],
            "the domain shop.example.org, served with it"
        )
        try requests.ask(
            "config-map.create",
            Self.staging + ["configMap=web-settings", "data:={\"color\":\"red\"}"],
            "a config map"
        )
        let sealed = try world.seal("hunter2", for: ["shop", "staging", "secret", "database"], field: "password")
        try requests.ask(
            "secret.create",
            Self.staging + ["secret=database", "data:={\"password\":\"\(sealed)\"}"],
            "a secret, sealed before it was sent"
        )
        try requests.askInVain(
            "secret.create",
            Self.staging + ["secret=open", "data:={\"password\":\"hunter2\"}"],
            "a secret in clear is refused",
            as: DemoWorld.owner,
            code: "not_sealed"
        )
    }

    private func deploy() throws {
        let member = DemoWorld.member
        try requests.ask(
            "instance.deploy",
            Self.production + ["application=web", "instance=web", "version=1.4.2", "values=replicaCount: 2\\n"],
            "web 1.4.2 in production"
        )
        try requests.release("web", "1.5.0", deploys: true, "web 1.5.0 is published: the rule upgrades staging")
        try requests.ask(
            "instance.rollback",
            Self.staging + ["instance=web"],
            "\(member) rolls staging back to 1.4.2",
            as: member
        )
        try requests.askInVain(
            "instance.stop",
            Self.production + ["instance=web"],
            "\(member) may not stop production",
            as: member,
            code: "not_permitted"
        )
        try requests.ask("application.create", ["project=payments", "application=ledger"], "the application ledger")
        try requests.release("ledger", "0.9.0", deploys: false, "ledger 0.9.0 is published; no rule asks for it")
        try deployLedger()
    }

    /// A version is known a moment after its event: until then the deployment is refused.
    private func deployLedger() throws {
        let database = try world.database()
        defer { database.close() }
        let patience = ContinuousClock.now + .seconds(30)
        while try database.query("select 1 from version where artifact = 'ledger'").isEmpty,
            ContinuousClock.now < patience
        {
            Thread.sleep(forTimeInterval: 0.02)
        }
        try requests.ask(
            "instance.deploy",
            ["project=payments", "environment=test", "application=ledger", "instance=ledger", "version=0.9.0"],
            "ledger 0.9.0 in payments/test"
        )
    }

    private func showOverviews() throws {
        let database = try world.database()
        defer { database.close() }
        let reader = OverviewReader(database: database)
        terminal.line("\n\(terminal.paint("slipway overview", .dim))")
        for environment in try reader.environments() {
            Overview.show(environment, terminal)
            terminal.line()
        }
        terminal.line(terminal.paint("slipway deployments", .dim))
        Deployments.show(try reader.deployments(), terminal)
    }
}
