import Foundation
import Postgres
import Testing

@testable import Domain

/// What an agent is told of the command that decided version and values, by which it knows whether hooks run.
@Suite struct DeploymentMessageTests {
    let world: CommandWorld
    /// The deployment that has succeeded.
    private let first: UUID

    init() throws {
        world = try CommandWorld.ready()
        try world.deploy()
        first = try world.lastCommand()
        try world.succeed(first)
        _ = try world.published()
    }

    /// What the agent is asked for, of what was published since the last call.
    private func told() throws -> Published {
        let messages = try world.published("agent.commands.c1")
        return try #require(messages.last { $0.name == "release_requested" })
    }

    private func text(_ command: UUID) -> String { command.uuidString.lowercased() }

    static let operations: [(verb: String, more: String, isDeployment: Bool)] = [
        ("restart", "", false), ("stop", "", false), ("scale", #""workload":"Deployment/web","replicas":3"#, false),
        ("redeploy", "", true), ("configure", #""values":"color: blue""#, true),
        ("upgrade", #""version":"1.1.0""#, true), ("upgrade", #""version":"1.0.0","force":true"#, true),
        ("deploy", #""application":"web","version":"1.0.0","force":true"#, true),
    ]

    @Test(arguments: operations)
    func `what decides version and values is a deployment, also where nothing changes, and nothing else is`(
        verb: String,
        more: String,
        isDeployment: Bool
    ) throws {
        let command = try world.order(verb, more)
        let message = try told()
        #expect(message["command"] == text(command))
        #expect(message["deployment"] == text(isDeployment ? command : first))
    }

    @Test func `a rollback is a deployment of its own, whatever it goes back to`() throws {
        try world.succeed(try world.order("upgrade", #""version":"1.1.0""#))
        _ = try world.published()
        let rollback = try world.order("rollback")
        let message = try told()
        #expect(message["version"] == "1.0.0")
        #expect(message["deployment"] == text(rollback))
    }

    @Test func `what takes the place of a deployment on its way brings it`() throws {
        let deployment = try world.order("redeploy")
        _ = try world.published()
        let scaling = try world.order("scale", #""workload":"Deployment/web","replicas":3"#)
        let message = try told()
        #expect(message["command"] == text(scaling))
        #expect(message["deployment"] == text(deployment))
    }

    @Test func `of what an older worker has written nothing is said`() throws {
        try world.connection.script(
            "update instance set desired = desired - 'deployment', settled = settled - 'deployment'"
        )
        try world.order("restart")
        #expect(try told()["deployment"] == nil)
    }
}
