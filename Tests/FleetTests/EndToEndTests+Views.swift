import Foundation
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// A name such as `pods_ready` in camel case.
    private func camel(_ name: String) -> String {
        let words = name.split(separator: "_")
        return words.dropFirst().reduce(words.first.map(String.init) ?? "") {
            $0 + $1.prefix(1).uppercased() + $1.dropFirst()
        }
    }

    private func json(_ arguments: [String], _ world: FleetWorld) throws -> Any {
        let process = try world.start("slipway", arguments + ["--json"])
        try #require(try process.exitCode() == 0, "\(process.output)")
        return try JSONSerialization.jsonObject(with: Data(process.output.utf8))
    }

    @Test func `the overview as JSON has what the views have, and numbers are numbers`() throws {
        let (world, _) = try makeFleet()
        try release("1.0.0", world)
        try waitFor("the version", world, "select count(*) from version where artifact = 'web'", 1)
        try deploy(world)
        try waitFor("it runs", world, "select count(*) from instance where state = 'running'", 1)
        let place = #""project":"shop","environment":"staging""#
        let map = #"{\#(place),"configMap":"colors","data":{"a":"b"}}"#
        try world.request("config-map.create", key: "shop/staging", id: "m", map)
        try waitFor("an object", world, "select count(*) from environment_object where state = 'running'", 1)

        let environment = try #require((try json(["overview", "shop/staging"], world) as? [[String: Any]])?.first)
        let instance = try #require((environment["instances"] as? [[String: Any]])?.first)
        let object = try #require((environment["objects"] as? [[String: Any]])?.first)
        let deployment = try #require((try json(["deployments"], world) as? [[String: Any]])?.first)
        let views = [
            ("environment_overview", environment), ("instance_overview", instance), ("object_overview", object),
            ("deployment_overview", deployment),
        ]
        for (view, members) in views {
            let columns = try world.database.query(
                "select column_name from information_schema.columns where table_name = '\(view)'"
            ).map { try $0.string(0) }
            #expect(!columns.isEmpty)
            for column in columns { #expect(members[camel(column)] != nil, "\(view).\(column)") }
        }
        #expect(world.standing.contains("  cluster test connected\n"))
        let status = try #require(try json(["status"], world) as? [String: Any])
        let cluster = try #require((status["clusters"] as? [[String: Any]])?.first)
        let messages = try #require(status["messages"] as? [[String: Any]])
        #expect(cluster["epoch"] is Int && !messages.isEmpty)
        #expect(messages.allSatisfy { $0["consumed"] is Int && $0["deadLettered"] is Int })
        let topics = try #require(try json(["topics", "list", "--partitions", "6"], world) as? [[String: Any]])
        #expect(Set(topics.compactMap { $0["partitions"] as? Int }) == [1, 6])
    }
}
