import Foundation
import Postgres
import Synchronization
import WorkerRuntime

/// The limit: the same rows with the same durability in the plainest loop, without Kafka, decoding or decisions.
///
/// A fenced upsert of objects and an outbox insert of what they publish a transaction, in binary arrays that were made
/// before, on as many connections, which have the settings of a lane's. Once with a row for each message, and once with
/// as many rows as a lane writes, which folds the messages of a batch about one object into one row.
enum CeilingBench {
    static func run(count: Int, connections number: Int) throws -> [Sample] {
        let connections = "\(number) connection\(number == 1 ? "" : "s")"
        let unfolded = try rate((0..<number).map { LimitRows.unfolded(count / number, part: $0) })
        let parts = (0..<number).map { part in
            let partitions = (0..<BenchWorld.partitions).filter { $0 % number == part }
            return LimitRows.folded(count / number, partitions: partitions)
        }
        let folded = try rate(parts)
        let rows = parts.joined().reduce(0) { $0 + $1.count }
        let name = "limit: the same messages folded by the batch, plain libpq loop"
        return [
            Sample(
                "limit: the same rows in a plain libpq loop, \(connections)",
                unfolded,
                "rows/s",
                picture: .throughput
            ),
            Sample("\(name), \(connections)", folded, "messages/s", picture: .throughput),
            Sample("\(name), \(connections): rows of objects", Double(rows) / Double(count), "a message", digits: 2),
        ]
    }

    /// Messages a second that the connections write, each its part, on a world of their own.
    private static func rate(_ parts: [[LimitRows]]) throws -> Double {
        let world = try BenchWorld(needsBroker: false)
        let configuration = PostgresConfiguration(url: world.url).forKeyedRows
        let failures = Mutex(0)
        let group = DispatchGroup()
        let began = ContinuousClock.now
        for transactions in parts {
            group.enter()
            let thread = Thread {
                do { try loop(configuration, transactions) } catch { failures.withLock { $0 += 1 } }
                group.leave()
            }
            thread.start()
        }
        group.wait()
        guard failures.withLock({ $0 }) == 0 else { throw StartError("The limit's loop failed.") }
        let messages = parts.joined().reduce(0) { $0 + $1.messages }
        return Double(messages) / (ContinuousClock.now - began).seconds
    }

    private static func loop(_ configuration: PostgresConfiguration, _ transactions: [LimitRows]) throws {
        let connection = try PostgresConnection(configuration)
        defer { connection.close() }
        for transaction in transactions { try transaction.write(on: connection) }
    }
}
