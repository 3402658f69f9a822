import Foundation
import Postgres
import Testing

@Suite struct CopyTests {
    let connection: PostgresConnection

    struct Refusal: Error {}

    init() throws {
        connection = try TestDatabase.connect()
        try connection.script(
            """
            create table item (id bigint primary key, size int, kind smallint, share float8, done bool, key uuid,
                               at timestamptz, name text, raw bytea, data jsonb)
            """
        )
    }

    private let columns = ["id", "size", "kind", "share", "done", "key", "at", "name", "raw", "data"]

    @Test func `rows of every type arrive`() throws {
        let key = UUID()
        let count = try connection.transaction { transaction in
            try transaction.copyIn(into: "public.item", columns: columns) { writer in
                for id in 0..<2000 {
                    writer.append(Int64(id))
                    writer.append(Int32(id))
                    writer.append(Int16(7))
                    writer.append(0.5)
                    writer.append(true)
                    writer.append(key)
                    writer.append(timestamp: 1_000_000)
                    if id % 2 == 0 { writer.append("item ü \(id)") } else { writer.appendNull() }
                    writer.append([UInt8](repeating: 0, count: 100))
                    writer.append(jsonb: Array(#"{"id": \#(id)}"#.utf8))
                }
            }
        }
        #expect(count == 2000)
        let row = try connection.query("select * from item where id = 1998").only()
        #expect(try row.int32(1) == 1998)
        #expect(try row.int64(2) == 7)
        #expect(try row.double(3) == 0.5)
        #expect(try row.bool(4))
        #expect(try row.uuid(5) == key)
        #expect(try row.timestamp(6) == 1_000_000)
        #expect(try row.string(7) == "item ü 1998")
        #expect(try row.bytes(8).count == 100)
        #expect(try row.string(9) == #"{"id": 1998}"#)
        #expect(try connection.query("select count(name) from item").only().int(0) == 1000)
    }

    @Test func `no rows are no error`() throws {
        #expect(try connection.copyIn(into: "item", columns: ["id"]) { _ in } == 0)
    }

    @Test func `an error of the caller writes nothing and keeps the session`() throws {
        #expect(throws: Refusal.self) {
            try connection.copyIn(into: "item", columns: ["id"]) { writer in
                writer.append(Int64(1))
                throw Refusal()
            }
        }
        #expect(try connection.query("select from item").isEmpty)
    }

    @Test func `an error of the server comes through`() throws {
        let error = try postgresError {
            try connection.copyIn(into: "item", columns: ["id"]) { writer in
                for _ in 0..<20_000 { writer.append(Int64(1)) }
            }
        }
        #expect(error?.isUniqueViolation == true)
        #expect(try connection.query("select from item").isEmpty)
    }

    @Test func `an unfinished row and a zero byte are refused`() throws {
        let unfinished = try postgresError {
            try connection.copyIn(into: "item", columns: ["id", "name"]) { $0.append(Int64(1)) }
        }
        #expect(unfinished?.kind == .usage)
        let zeroByte = try postgresError {
            try connection.copyIn(into: "item", columns: ["id", "name"]) { writer in
                writer.append(Int64(1))
                writer.append("a\0b")
            }
        }
        #expect(zeroByte?.kind == .usage)
        #expect(try connection.query("select from item").isEmpty)
    }

    @Test func `COPY through a script is refused and does not hang`() throws {
        let error = try postgresError { try connection.script("copy item from stdin") }
        #expect(error?.kind == .usage)
        try connection.reconnect()
        #expect(try postgresError { try connection.script("copy item to stdout") }?.kind == .usage)
    }
}
