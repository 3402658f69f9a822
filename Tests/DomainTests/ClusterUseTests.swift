import Testing

@testable import Domain
@testable import WorkerRuntime

/// Which projects may make environments in a cluster, as it is registered and changed.
@Suite struct ClusterUseTests {
    @Test func `projects keep their permission until others are named, or everybody has it`() throws {
        let world = try CommandWorld.ready()
        func ask(_ verb: String, _ more: String) throws -> Outcome {
            try world.request("cluster.\(verb)", key: "c2", #"{"cluster":"c2",\#(more)}"#, as: "root")
        }
        func use() throws -> String? {
            try world.text(
                """
                select concat_ws(' ', is_public, (select string_agg(project, ' ') from cluster_project p
                    where p.cluster = c.cluster)) from cluster c where cluster = 'c2'
                """
            )
        }
        #expect(try ask("register", #""projects":["shop"]"#) == .applied)
        #expect(try use() == "f shop")
        #expect(try ask("update", #""public":false"#) == .applied)
        #expect(try use() == "f shop", "who may stays as it is")
        #expect(try ask("update", #""name":"second""#) == .applied)
        #expect(try use() == "f shop")
        #expect(try ask("update", #""public":true"#) == .applied)
        #expect(try use() == "t")
        #expect(try ask("update", #""public":false"#) == .applied)
        #expect(try use() == "f", "nobody was named since")
        #expect(try ask("update", #""public":false,"projects":["shop"]"#) == .applied)
        #expect(try use() == "f shop")
        #expect(try ask("update", #""projects":[]"#) == .applied)
        #expect(try use() == "f")
    }
}
