import Postgres
import TestSupport
import Testing

/// The timekeeper keeps the inbox from growing for ever.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct InboxPurgeTests {
    @Test func `the timekeeper purges the inbox and counts it`() throws {
        let world = try FleetWorld(topics: [])
        try world.database.script(
            """
            insert into inbox (id, digest, seen_at)
            select gen_random_uuid(), ''::bytea, now() - interval '30 days' from generate_series(1, 7000);
            insert into inbox (id, digest, seen_at) values (gen_random_uuid(), ''::bytea, now());
            """
        )
        let port = try WebPage.freePort()
        _ = try world.start("timekeeper", ["--http-port", "\(port)"])
        _ = try eventually("an inbox of what is young") {
            try world.number("select count(*) from inbox") == 1 ? true : nil
        }
        _ = try eventually("the metric") {
            try WebPage.get(port: port, "/metrics").body.contains("slipway_inbox_purged_total 7000") ? true : nil
        }
    }
}
