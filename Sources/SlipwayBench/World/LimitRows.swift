import Foundation
import Postgres

/// The rows of one transaction of a limit: those of the objects as Slipway writes them, and those of the outbox.
///
/// They are made before the clock starts. The outbox's rows are as full as Slipway's: what is published of ten objects
/// goes into one.
struct LimitRows: Sendable {
    /// The rows of the objects in the order of the columns of ``upsert``.
    private let columns: [PostgresArray]
    private let content: PostgresArray
    /// How many messages they stand for.
    let messages: Int
    /// The number of rows of objects.
    let count: Int

    /// One object as it is to be written.
    struct Row: Sendable {
        let namespace: Int
        let number: Int
        let sequence: Int64

        var name: String { "\(instance)-\(number)" }
        var instance: String { "app-\(number % ResourceLoad.instancesPerNamespace)" }
        var object: [UInt8] {
            Array(ResourceLoad.Shape().object(ResourceLoad.namespace(namespace), name, instance, sequence, 2).utf8)
        }
    }

    /// What is published of ten objects.
    static let content = [UInt8](repeating: 65, count: 7_500)

    init(_ rows: [Row], messages: Int) {
        func texts(_ value: (Row) -> String) -> PostgresArray {
            var array = PostgresArray(.text, capacity: rows.count)
            for row in rows { array.append(value(row)) }
            return array
        }
        var numbers = PostgresArray(.int64, capacity: rows.count)
        var object = PostgresArray(.json, capacity: rows.count)
        for row in rows {
            numbers.append(row.sequence)
            object.append(row.object)
        }
        columns = [
            texts { ResourceLoad.namespace($0.namespace) }, texts { $0.name },
            texts { "9f1c2f0e-0000-4000-8000-\($0.name)" }, texts { $0.instance }, numbers,
            texts { String($0.sequence) }, object,
        ]
        var content = PostgresArray(.bytea, capacity: rows.count / 10 + 1)
        for _ in stride(from: 0, to: rows.count, by: 10) { content.append(Self.content) }
        self.content = content
        self.messages = messages
        count = rows.count
    }

    /// Writes them in one transaction that waits once.
    func write(on connection: PostgresConnection) throws {
        try connection.transaction { (transaction: borrowing PostgresTransaction) in
            try transaction.submit(Self.upsert, columns.map { .array($0) })
            try transaction.submit(
                "insert into outbox (shard, messages, content) select 0, 10, unnest($1::bytea[])",
                [.array(content)]
            )
        }
    }

    /// As full a row as Slipway's, so that it takes as much room and as many entries of indexes.
    private static let upsert = """
        insert into resource as r (cluster, namespace, kind, name, api_version, uid, instance, epoch, sequence,
            generation, observed_generation, resource_version, health, gone, revision, apart, object, changed_at,
            status_at)
        select 'bench', unnest($1::text[]), 'Deployment', unnest($2::text[]), 'apps/v1', unnest($3::text[]),
            unnest($4::text[]), 1, unnest($5::bigint[]), unnest($5::bigint[]), unnest($5::bigint[]), unnest($6::text[]),
            'healthy', false, 1, false, unnest($7::json[]), now(), now()
        on conflict (cluster, namespace, kind, name) do update
            set uid = excluded.uid, instance = excluded.instance, epoch = excluded.epoch, sequence = excluded.sequence,
                generation = excluded.generation, observed_generation = excluded.observed_generation,
                resource_version = excluded.resource_version, health = excluded.health, revision = excluded.revision,
                object = excluded.object, changed_at = excluded.changed_at, status_at = excluded.status_at
            where (r.epoch, r.sequence) < (excluded.epoch, excluded.sequence)
        """
}

extension LimitRows {
    /// How many messages go into a transaction, as into a batch of a lane.
    private static let batch = 1000
    /// About how many messages of a partition follow each other where a lane takes them: what one fetch brings of it.
    private static let run = 112

    /// A row for each message: what has to be written where nothing is folded.
    static func unfolded(_ count: Int, part: Int) -> [LimitRows] {
        stride(from: 0, to: count, by: batch).map { first in
            let rows = (first..<min(first + batch, count)).map { row in
                Row(namespace: part, number: row % 10 == 0 ? row : row % 4000, sequence: Int64(row + 1))
            }
            return LimitRows(rows, messages: rows.count)
        }
    }

    /// As many rows as a lane writes, which folds the messages of a batch about one object into one.
    ///
    /// - Parameter partitions: Those that this connection has, of as many messages each.
    static func folded(_ count: Int, partitions: [Int]) -> [LimitRows] {
        let shape = ResourceLoad.Shape()
        var places = Array(repeating: 0, count: shape.namespaces)
        var turns = 0
        let namespaces = shape.namespaces / BenchWorld.partitions
        return stride(from: 0, to: count, by: batch).map { first in
            let messages = min(batch, count - first)
            var rows: [String: Row] = [:]
            for index in 0..<messages {
                if index % run == 0 { turns += 1 }
                let namespace = partitions[turns % partitions.count] + BenchWorld.partitions * (index % namespaces)
                let row = Row(
                    namespace: namespace,
                    number: shape.number(at: places[namespace]),
                    sequence: Int64(places[namespace] + 1)
                )
                places[namespace] += 1
                rows["\(namespace)/\(row.number)"] = row
            }
            return LimitRows(rows.sorted { $0.key < $1.key }.map(\.value), messages: messages)
        }
    }
}
