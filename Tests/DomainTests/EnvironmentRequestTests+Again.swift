import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What is asked for again while the agent is still at it, and namespaces that another environment had.
extension EnvironmentRequestTests {
    /// Lets the agent take the newest command, and time end it.
    private func overtake() throws -> UUID {
        let command = try world.lastCommand()
        try world.report("acknowledged", of: command)
        try world.end(command, as: "timed_out")
        return command
    }

    @Test func `the late success counts of a deletion that was asked for again, in vain, while the agent was at it`()
        throws
    {
        #expect(try ask("environment.delete", #""force":true"#) == .applied)
        let first = try overtake()
        #expect(try ask("environment.delete") == .applied)
        try world.end(try world.lastCommand(), as: "timed_out")
        #expect(try state() == "deleting")
        try world.report("applied", of: first, #""objects":[]"#)
        #expect(try state() == "deleted")
    }

    @Test(arguments: [("", "active"), (#","namespace":"other""#, "failed")])
    func `so does that of a creation, unless it is of another namespace`(again: String, end: String) throws {
        func create(_ more: String = "") throws -> Outcome {
            let body = #"{"project":"shop","environment":"dev","cluster":"c1"\#(more)}"#
            return try world.request("environment.create", key: "shop/dev", body)
        }
        #expect(try create() == .applied)
        let first = try overtake()
        #expect(try create(again) == .applied)
        try world.end(try world.lastCommand(), as: "timed_out")
        try world.report("applied", of: first, #""objects":[]"#)
        #expect(try world.text("select state from environment where environment = 'dev'") == end)
    }

    @Test func `a namespace that another environment had can be had again, and its generations go on`() throws {
        try world.connection.script(
            """
            insert into environment (project, environment, cluster, namespace, state, revision, created_at)
            select 'shop', 'gone', 'c1', 'shared', 'deleted', revision + 30, now() from environment;
            update environment set state = 'failed' where environment = 'staging'
            """
        )
        let before = try world.text("select max(revision)::text from environment").flatMap(Int64.init)
        let next = try #require(before) + 1
        let body = #"{"project":"shop","environment":"later","cluster":"c1","namespace":"shared"}"#
        #expect(try world.request("environment.create", key: "shop/later", body) == .applied)
        #expect(
            try world.text("select max(generation)::text from command where operation = 'environment.create'")
                == "\(next)"
        )
        #expect(try world.text("select revision::text from environment where environment = 'later'") == "\(next)")
        try world.connection.script("update environment set state = 'deleted' where environment = 'later'")
        #expect(try ask("environment.connect", #""cluster":"c1","namespace":"shared""#) == .applied)
        #expect(try world.text("select max(generation)::text from command") == "\(next + 1)")
        #expect(try world.text("select revision::text from environment where environment = 'staging'") == "\(next + 1)")
    }

    @Test(arguments: [false, true])
    func `what is made in a namespace goes on behind what another environment had in it, wherever that is by now`(
        isElsewhere: Bool
    ) throws {
        let settings = #""configMap":"settings","data":{"color":"red"}"#
        for version in ["1.0.0", "1.1.0"] { try world.deploy(version) }
        try world.make("config-map.create", settings)
        try world.make("environment.delete", #""force":true"#)
        if isElsewhere {
            try world.make("environment.create", #""cluster":"c1","namespace":"elsewhere""#)
            try world.deploy()
            try world.make("config-map.create", settings)
        }
        let dev = #""project":"shop","environment":"dev""#
        let place = #"{\#(dev),"cluster":"c1","namespace":"shop-staging"}"#
        #expect(try world.request("environment.create", key: "shop/dev", place) == .applied)
        try world.applied()
        let web = #"{\#(dev),"application":"web","instance":"web","version":"1.0.0"}"#
        #expect(try world.request("instance.deploy", key: "shop/dev", web) == .applied)
        #expect(try world.request("config-map.create", key: "shop/dev", "{\(dev),\(settings)}") == .applied)
        let numbers = try world.text(
            """
            select string_agg(generation::text, ' ' order by operation) from command
            where environment = 'dev' and operation <> 'environment.create'
            """
        )
        #expect(numbers == (isElsewhere ? "3 4" : "2 3"))
    }

    @Test func `no other project gets a namespace that an environment left, before it was removed`() throws {
        try world.register("c2")
        try world.connection.script("update cluster set state = 'lost' where cluster = 'c1'")
        #expect(try ask("environment.connect", #""cluster":"c2""#) == .applied)
        let other = #"{"project":"other","owners":["olga"]}"#
        #expect(try world.request("project.create", key: "other", other, as: "root") == .applied)
        func takeOver() throws -> Outcome {
            let body = #"{"project":"other","environment":"dev","cluster":"c1","namespace":"shop-staging"}"#
            return try world.request("environment.create", key: "other/dev", body)
        }
        #expect(code(try takeOver()) == "namespace_not_removed", "claims of the one that left may be there")
        let dev = #""project":"shop","environment":"dev""#
        let own = #"{\#(dev),"cluster":"c1","namespace":"shop-staging"}"#
        #expect(try world.request("environment.create", key: "shop/dev", own) == .applied, "it is the same project's")
        try world.applied()
        #expect(code(try takeOver()) == "already_exists")
        #expect(try world.request("environment.delete", key: "shop/dev", #"{\#(dev),"force":true}"#) == .applied)
        try world.applied()
        #expect(try takeOver() == .applied)
    }
}
