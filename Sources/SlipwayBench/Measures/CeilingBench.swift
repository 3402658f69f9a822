import Foundation
import Postgres
import Synchronization
import WorkerRuntime

/// The ceiling: the same rows with the same durability in the plainest loop, without Kafka, decoding or decisions.
///
/// A fenced upsert of 1,000 rows and an outbox insert of what they publish a transaction, in binary arrays, on as many
/// connections. The outbox's rows are as full as Slipway's: what is published of ten objects goes into one.
enum CeilingBench {
    static func run(count: Int, connections number: Int) throws -> [Sample] {
        let world = try BenchWorld(needsBroker: false)
        let url = world.url
        let began = ContinuousClock.now
        let failures = Mutex(0)
        let group = DispatchGroup()
        for index in 0..<number {
            group.enter()
            let thread = Thread {
                do { try loop(url, part: index, count: count / number) } catch { failures.withLock { $0 += 1 } }
                group.leave()
            }
            thread.start()
        }
        group.wait()
        guard failures.withLock({ $0 }) == 0 else { throw StartError("The ceiling's loop failed.") }
        let rate = Double(count) / (ContinuousClock.now - began).seconds
        let connections = "\(number) connection\(number == 1 ? "" : "s")"
        return [
            Sample("limit: the same rows in a plain libpq loop, \(connections)", rate, "rows/s", picture: .throughput)
        ]
    }

    private static func loop(_ url: String, part: Int, count: Int) throws {
        let connection = try PostgresConnection(PostgresConfiguration(url: url))
        defer { connection.close() }
        var done = 0
        while done < count {
            let rows = min(1000, count - done)
            try connection.transaction { (transaction: borrowing PostgresTransaction) in
                try write(part: part, from: done, rows: rows, in: transaction)
            }
            done += rows
        }
    }

    private static func write(part: Int, from: Int, rows: Int, in transaction: borrowing PostgresTransaction) throws {
        let shape = ResourceLoad.Shape()
        var name = PostgresArray(.text, capacity: rows)
        var sequence = PostgresArray(.int64, capacity: rows)
        var object = PostgresArray(.json, capacity: rows)
        var content = PostgresArray(.bytea, capacity: rows / 10 + 1)
        for row in from..<from + rows {
            let number = row % 10 == 0 ? row : row % 4000
            let text = shape.object("bench-\(part)", "app-\(number)", "app", Int64(row), 2)
            name.append("app-\(number)")
            sequence.append(Int64(row + 1))
            object.append(Array(text.utf8))
            if row % 10 == 0 { content.append(Array(repeating: 65, count: 7_500)) }
        }
        _ = try transaction.query(
            """
            insert into resource as r (cluster, namespace, kind, name, api_version, uid, epoch, sequence, health, object, changed_at)
            select distinct on (name) 'bench', $1, 'Deployment', name, 'apps/v1', 'u', 1, sequence, 'healthy', object, now()
            from (select unnest($2::text[]), unnest($3::bigint[]), unnest($4::json[])) as new(name, sequence, object)
            order by name, sequence desc
            on conflict (cluster, namespace, kind, name) do update
                set sequence = excluded.sequence, object = excluded.object, changed_at = excluded.changed_at
                where (r.epoch, r.sequence) < (excluded.epoch, excluded.sequence)
            """,
            [.text("bench-\(part)"), .array(name), .array(sequence), .array(object)]
        )
        _ = try transaction.query(
            """
            insert into outbox (shard, messages, content) select 0, 10, unnest($1::bytea[])
            """,
            [.array(content)]
        )
    }
}
