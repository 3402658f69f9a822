import Foundation
import Kafka
import Postgres
import TestSupport
import Testing
import WorkerRuntime

/// A relay that slept while another took its shard must not leave an old state as a key's last word.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct RepublishTests {
    @Test func `an old state that a former owner published is followed by the newest one`() throws {
        let world = try FleetWorld(topics: ["environment.status", "deployment.results"], partitions: 1)
        try world.database.script(
            """
            insert into project (project, name, created_at) values ('p', 'p', now());
            insert into cluster (cluster, name, created_at) values ('c1', 'c1', now());
            insert into environment (project, environment, cluster, namespace, state, revision, created_at)
                values ('p', 'staging', 'c1', 'shop', 'active', 21000, now());
            """
        )
        try publishOldState(in: world)
        world.hold("afterPublish")
        let relay = try world.start("outbox-relay", [], ["SLIPWAY_RELAY_TRANSACTIONS": "false"])
        try world.waitUntilHeld(relay, at: "afterPublish")
        // Another relay took the shard, published its rows and newer ones, and ended.
        try world.database.script(
            """
            update outbox_lease set epoch = epoch + 1, owner = null, lease_until = '-infinity'
                where shard = (select shard from outbox);
            delete from outbox;
            """
        )
        world.letPass("afterPublish")
        _ = try eventually("the mark") {
            try world.number("select count(*) from outbox_republish") == 1 ? true : nil
        }
        _ = try world.start("timekeeper")
        let last = try eventually("the newest state") {
            let messages = try world.messages(on: "environment.status")
            // Once more for each look that the relay takes before it notices that its lease is gone.
            return messages.count >= 2 ? messages.last : nil
        }
        let value = last.withValue { String(decoding: $0, as: UTF8.self) } ?? ""
        #expect(value.contains(#""revision":21000"#))
        _ = try eventually("no mark") {
            try world.number("select count(*) from outbox_republish") == 0 ? true : nil
        }
    }

    private func publishOldState(in world: FleetWorld) throws {
        var old = OutboxRecord(
            topic: "environment.status",
            key: Array("p/staging".utf8),
            headers: [],
            value: Array(#"{"revision":20000}"#.utf8)
        )
        old.coalesces = true
        let buffer = OutboxBuffer()
        buffer.append(old)
        try world.database.transaction { (transaction: borrowing PostgresTransaction) in
            try OutboxWriter.write(buffer, in: transaction)
        }
    }
}
