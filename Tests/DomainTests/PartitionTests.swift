import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Domain

/// Tables by month: what is to come has its partition, what is old goes with its own, and nothing waits for long.
@Suite struct PartitionTests {
    private let url: String
    private let connection: PostgresConnection

    init() throws {
        url = try TestDatabase.make()
        connection = try TestDatabase.connect(url)
    }

    private func number(_ sql: String) throws -> Int64 { try connection.query(sql).only().int64(0) }

    private func write(steps count: Int, everyDays days: Int) throws {
        try connection.script(
            """
            insert into command_step (command, revision, state, at, worker)
                select gen_random_uuid(), 1, 'sent', now() - (number - 1) * interval '\(days) days', 'x'
                from generate_series(1, \(count)) number
            """
        )
    }

    @Test(arguments: ["UTC", "America/New_York", "Pacific/Auckland"])
    func `what has no partition gets that of its month, whatever the time zone, and goes with it`(zone: String) throws {
        try connection.script("set timezone = '\(zone)'")
        try write(steps: 100, everyDays: 10)
        #expect(try number("select count(*) from command_step_rest") > 90)
        try PartitionRetention("command_step", days: 400).round(on: connection)
        #expect(try number("select count(*) from command_step_rest") == 0)
        // Nothing younger was dropped, and of what is older only what shares its month with what is not.
        #expect(try number("select count(*) from command_step where at > now() - interval '400 days'") == 40)
        #expect(try number("select count(*) from command_step") <= 44)
        let months = try number(
            "select count(*) from time_partitions('command_step') where date_trunc('month', begins, 'UTC') <> begins or ends <> "
                + "(begins at time zone 'UTC' + interval '1 month') at time zone 'UTC'"
        )
        #expect(months == 0)
        #expect(try PartitionRetention("command_step", days: 400).round(on: connection) == 0)
    }

    @Test func `what has no partition moves a month at a time, the newest first, until nothing is left`() throws {
        try write(steps: 100, everyDays: 10)
        let begins = "select extract(epoch from min(begins))::bigint from time_partitions('command_step')"
        let keep = "select keep_partitions('command_step', 3, '400 days')"
        var left = [try number("select count(*) from command_step_rest")]
        var oldest = [try number(begins)]
        while try connection.query(keep).only().int32(0) > 0 {
            left.append(try number("select count(*) from command_step_rest"))
            oldest.append(try number(begins))
        }
        #expect(
            zip(left, left.dropFirst()).allSatisfy { $0 > $1 && $0 - $1 <= 4 },
            "a month has 3 or 4 of them: \(left)"
        )
        #expect(zip(oldest, oldest.dropFirst()).allSatisfy { $0 > $1 }, "each is older than those before it")
        #expect(try number("select count(*) from command_step_rest") == 0)
    }

    @Test func `a table that others read for long is left for a minute, and nobody waits behind it`() throws {
        try write(steps: 1, everyDays: 1)
        try connection.script("select keep_partitions('command_step', 3, '10 years')")
        let reader = try TestDatabase.connect(url)
        try reader.transaction { (transaction: borrowing PostgresTransaction) in
            _ = try transaction.query("select count(*) from command_step")
            let retention = PartitionRetention("command_step", days: -100)
            #expect(try retention.round(on: connection) == 0)
            #expect(try retention.round(on: connection) == 0)
        }
        #expect(try PartitionRetention("command_step", days: -100).round(on: connection) > 0)
    }

    @Test func `what is in the way is told once a minute, and does not keep the caller from its other tasks`() throws {
        try connection.script(
            """
            do $$ begin execute format('alter table command_step detach partition %I',
                (select name from time_partitions('command_step') order by begins limit 1)); end $$
            """
        )
        let retention = PartitionRetention("command_step", days: 400)
        #expect(throws: PostgresError.self) { try retention.round(on: connection) }
        #expect(try retention.round(on: connection) == 0)
    }

    @Test func `a ledger without partitions becomes the first one, as it is, and goes when all of it is old`() throws {
        let name = "before_\(UUID().uuidString.prefix(8).lowercased())"
        try connection.script("create schema \(name); set search_path = \(name)")
        try migrate { $0 < "V1010" }
        try connection.script(
            """
            insert into command (id, operation, key, subject_kind, subject_name, caller, state, revision, request_source, request_id,
                request_type, created_at, changed_at, deadline, step_seconds, settle_seconds, failure_seconds)
            select gen_random_uuid(), 'x', 'k', 'container', 'logs', 'x', 'succeeded', 2, '/x', number::text, 'x',
                now() - number * interval '1 day', now() - number * interval '1 day', now(), '{1,2,3}', 1, 1
            from generate_series(0, 99) number;
            insert into command_step (command, revision, state, at, worker)
                select id, step, case step when 1 then 'sent' else 'succeeded' end, changed_at, 'x'
                from command, generate_series(1, 2) step
            """
        )
        try migrate { $0 == "V1010_ledger_bound" }
        // As the workers of the version before write meanwhile.
        try connection.script(
            "update command_step set at = now() where revision = 2 and command = (select max(id::text)::uuid from command)"
        )
        try migrate { $0 > "V1010_ledger_bound" }
        let index = "select indexrelid::regclass::text from pg_index where indrelid = 'command_step_before'::regclass"
        #expect(try connection.query(index).map { try $0.string(0) } == ["command_step_pkey"], "none is built anew")
        #expect(try number("select count(*) from command_step_before") == 200)
        #expect(try number("select count(*) from command_step where revision = 2 and state = 'succeeded'") == 100)
        #expect(try Verification.differences(on: connection).isEmpty)
        // As the workers of the version before write.
        try connection.script(
            """
            insert into command_step (command, revision, state, late, reason_code, reason, at, worker)
                select id, 3, 'failed', true, null, null, now(), 'x' from command
            """
        )
        #expect(try PartitionRetention("command_step", days: 10).round(on: connection) == 0)
        // A command need not wait until all that was written before is old.
        try connection.script("delete from command_step where late")
        #expect(try LedgerRetention(days: 50).round(on: connection) == 50)
        #expect(try number("select count(*) from command_step") == 100)
        #expect(try PartitionRetention("command_step", days: -70).round(on: connection) > 0)
        #expect(try number("select count(*) from command_step") == 0)
    }

    private func migrate(_ isWanted: (String) -> Bool) throws {
        for step in fleetMigrations where isWanted(step.name) {
            try connection.transaction { (transaction: borrowing PostgresTransaction) in
                try transaction.script(step.sql)
            }
        }
    }

    @Test func `months are made and dropped beside readers, and what nobody could place moves beside writers`() throws {
        try write(steps: 50, everyDays: 10)
        let others = [Bool](repeating: true, count: 2).indices.map { number in
            Helper(url: url, sql: number == 0 ? "select count(*) from command_step" : Self.insertion)
        }
        defer { others.forEach { $0.stop() } }
        others.forEach { $0.waitForWork() }
        #expect(try PartitionRetention("command_step", days: 100).round(on: connection) > 0)
        #expect(try number("select count(*) from command_step_rest") == 0)
        #expect(try PartitionRetention("command_step", days: 30).round(on: connection) > 0)
    }

    private static let insertion =
        "insert into command_step (command, revision, state, at, worker) values (gen_random_uuid(), 1, 'sent', now(), 'x')"
}

/// Does one statement again and again, on a thread and a connection of its own.
private final class Helper: Sendable {
    private let rounds = Mutex(0)
    private let isStopping = Mutex(false)

    init(url: String, sql: String) {
        Thread.detachNewThread { [self] in
            guard let connection = try? TestDatabase.connect(url) else { return }
            while !isStopping.withLock({ $0 }), (try? connection.query(sql)) != nil { rounds.withLock { $0 += 1 } }
            connection.close()
        }
    }

    func stop() { isStopping.withLock { $0 = true } }

    func waitForWork() {
        _ = try? eventually("a helper works") { rounds.withLock { $0 } > 3 ? true : nil }
    }
}
