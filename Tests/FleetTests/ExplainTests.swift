import Postgres
import TestSupport
import Testing

/// What people ask for is told, however much ledger and audit log keep.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct ExplainTests {
    @Test func `the story of an environment looks only at its own commands`() throws {
        let world = try FleetWorld(topics: [])
        try world.database.script(
            """
            insert into cluster (cluster, name, created_at) values ('c', 'c', now());
            insert into command (id, operation, cluster, key, subject_kind, subject_name, project, environment, state,
                revision, caller, request_source, request_id, request_type, created_at, changed_at, deadline,
                step_seconds, settle_seconds, failure_seconds)
                select gen_random_uuid(), 'instance.deploy', 'c', 'shop/' || place, 'instance', 'web', 'shop', place,
                    'succeeded', 1, 'olga', '/s', place, 't', now(), now(), now(), '{60,300,600}', 10, 60
                from (
                    select case n when 1 then 'staging' else 'other-' || n end from generate_series(1, 5000) n
                ) places(place);
            analyze command
            """
        )
        func reads(_ column: String) throws -> Int64 {
            try world.number(
                "select coalesce(sum(\(column)), 0)::bigint from pg_stat_user_tables where relname = 'command'"
            )
        }
        let before = try reads("seq_tup_read")
        let text = try world.said("slipway", ["explain", "shop/staging", "--stages", "--operations"])
        #expect(text.contains("instance.deploy of shop/staging/web"), "\(text)")
        _ = try eventually("what it read is counted") { try reads("idx_tup_fetch") > 0 ? true : nil }
        #expect(try reads("seq_tup_read") == before)
    }

    @Test func `the audit log is looked through however long that takes`() throws {
        let world = try FleetWorld(topics: [])
        try world.database.script(
            """
            insert into audit (decided_by, operation, outcome) values ('slipway', 'recover', 'done');
            alter table audit rename to audit_lines;
            create view audit as select * from audit_lines
                where 1 / (case current_setting('statement_timeout') when '0' then 1 else 0 end) = 1
            """
        )
        #expect(try world.said("slipway", ["audit", "--operation", "recover"]).contains("recover"))
    }
}
