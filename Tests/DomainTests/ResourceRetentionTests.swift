import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Objects that have long been gone are forgotten, and nobody who has seen them is misled.
@Suite struct ResourceRetentionTests {
    private let world: ResourceWorld

    init() throws {
        world = try ResourceWorld()
        try world.handle([
            AgentMessage.changed(AgentMessage.pod("a"), 1, 1), AgentMessage.changed(AgentMessage.pod("b"), 1, 2),
            AgentMessage.changed(AgentMessage.pod("there"), 1, 3),
        ])
        try world.handle([AgentMessage.changed(AgentMessage.pod("a", isReady: false), 1, 4)])
        try world.handle([
            AgentMessage.gone("Pod", "a", uid: "p-a", 1, 5), AgentMessage.gone("Pod", "b", uid: "p-b", 1, 6),
        ])
    }

    private func names() throws -> [String] {
        try world.connection.query("select name from resource order by name").map { try $0.string(0) }
    }

    private func age(_ name: String, days: Int) throws {
        try world.connection.query(
            "update resource set changed_at = now() - $2 * interval '1 day' where name = $1",
            [.text(name), .int32(Int32(days))]
        )
    }

    @Test func `what has been gone for longer than the limit is forgotten, what is there never`() throws {
        for (name, days) in [("a", 31), ("b", 29), ("there", 400)] { try age(name, days: days) }
        #expect(try ResourceRetention().round(on: world.connection) == 1)
        #expect(try names() == ["b", "there"])
    }

    @Test func `a name that comes again has a higher revision than it ever had`() throws {
        let before = try world.connection.query("select revision from resource where name = 'a'").only().int64(0)
        #expect(before > 1)
        for name in ["a", "b"] { try age(name, days: 31) }
        #expect(try ResourceRetention().round(on: world.connection) == 2)
        // The lane that wrote the rows remembers them, one that begins does not.
        try world.handle([AgentMessage.changed(AgentMessage.pod("a"), 1, 7)])
        try world.handle([AgentMessage.gone("Pod", "b", uid: "p-b", 1, 8)], by: try world.freshHandler())
        try world.handle([AgentMessage.changed(AgentMessage.pod("b"), 1, 9)], by: try world.freshHandler())
        let revisions = try world.connection.query("select revision from resource where name in ('a', 'b')")
        #expect(try revisions.map { try $0.int64(0) } == [before + 1, before + 1])
    }

    @Test func `what was to be said of an object and could not be is said before the object is forgotten`() throws {
        try Installation.prepare(on: world.connection)
        for name in ["a", "b"] { try age(name, days: 31) }
        try world.connection.script(
            """
            delete from outbox;
            insert into outbox_failed (topic, key, headers, reason_code, reason)
            select 'resource.status', convert_to(concat_ws('/', cluster, namespace, kind, name), 'UTF8'), '', 'c', 'r'
            from resource where name = 'a'
            """
        )
        func isForgotten() throws -> Bool {
            _ = try ResourceRetention().round(on: world.connection)
            return try !names().contains("a")
        }
        #expect(try !isForgotten() && names() == ["a", "there"], "the other one goes")
        let retried = try UndeliveredDesk(world.connection).retry(.init(), compacted: ["resource.status"]) {
            (_: borrowing PostgresTransaction) in
        }
        #expect(retried.replaced == 1)
        #expect(try !isForgotten(), "it is marked, and not in the outbox yet")
        #expect(try Republication.round(on: world.connection) == 1)
        let sent = try world.connection.query("select topic, value is null from outbox_message")
        #expect(try sent.map { "\(try $0.string(0)) \(try $0.bool(1))" } == ["resource.status true"])
        #expect(try isForgotten())
    }

    @Test func `a round takes a chunk of one stream, a pass comes to all, and then there is a pause`() throws {
        try world.connection.script(
            """
            insert into resource_stream (cluster, namespace, epoch, sequence, changed_at)
                values ('c1', 'other', 1, 1, now());
            insert into resource (cluster, namespace, kind, name, api_version, uid, epoch, sequence, health, gone,
                changed_at)
                values ('c1', 'other', 'Pod', 'c', 'v1', 'u', 1, 1, 'missing', true, now())
            """
        )
        for name in ["a", "b", "c"] { try age(name, days: 31) }
        let retention = ResourceRetention(chunk: 1)
        let counts = try (1...6).map { _ in try retention.round(on: world.connection) }
        #expect(counts == [1, 0, 1, 1, 0, 0])
        #expect(try names() == ["there"])
        try age("there", days: 31)
        try world.connection.script("update resource set gone = true")
        #expect(try retention.round(on: world.connection) == 0, "the next pass comes later")
    }

    @Test func `a round looks at a window of a stream, and what is old behind it is found by the next ones`() throws {
        for name in ["a", "b"] { try age(name, days: 31) }
        let retention = ResourceRetention(window: 1)
        let counts = try (1...5).map { _ in try retention.round(on: world.connection) }
        #expect(counts == [1, 1, 0, 0, 0])
        #expect(try names() == ["there"])
    }

    @Test func `what came again between the look and the lock stays`() throws {
        for name in ["a", "b"] { try age(name, days: 31) }
        let (retention, stream) = (ResourceRetention(), StreamID(cluster: "c1", namespace: "shop"))
        let find = try retention.look(from: ResourceRetention.Place(stream: stream), on: world.connection)
        #expect(find.old.map(\.name) == ["a", "b"] && find.next == nil)
        try world.handle([AgentMessage.changed(AgentMessage.pod("a"), 1, 7)])
        #expect(try retention.forget(find.old, in: stream, on: world.connection) == 1)
        #expect(try names() == ["a", "there"])
    }

    @Test func `nothing is forgotten while a worker lives that would begin its revisions anew`() throws {
        for (name, days) in [("a", 31), ("b", 29)] { try age(name, days: days) }
        let older = WorkerPresence(name: "resource-worker", instance: nil, version: ResourceRetention.feature - 1)
        try older.renew(on: world.connection)
        #expect(try ResourceRetention().round(on: world.connection) == 0)
        try older.end(on: world.connection)
        #expect(try ResourceRetention().round(on: world.connection) == 1)
    }
}
