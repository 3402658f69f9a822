import Foundation
import Postgres
import Testing

@Suite struct ValueTests {
    let connection: PostgresConnection

    init() throws {
        connection = try TestDatabase.connect()
    }

    private func row(_ sql: String, _ values: PostgresValue...) throws -> PostgresRow {
        try connection.query(sql, values).only()
    }

    @Test(arguments: [Int64.min, -1, 0, 1, Int64.max])
    func `a bigint comes back as it was`(_ value: Int64) throws {
        #expect(try row("select $1", .int64(value)).int64(0) == value)
    }

    @Test func `integers of any width read as 64 bits`() throws {
        let row = try row("select $1, $2, $3, 7::oid", .int16(.min), .int32(.max), 5)
        #expect(try row.int64(0) == Int64(Int16.min))
        #expect(try row.int64(1) == Int64(Int32.max))
        #expect(try row.int32(2) == 5)
        #expect(try row.int(3) == 7)
    }

    @Test func `an integer that does not fit is an error`() throws {
        let row = try row("select $1", .int64(.max))
        #expect(throws: PostgresError.self) { try row.int32(0) }
    }

    @Test(arguments: [0, -0.5, .pi, .greatestFiniteMagnitude, .infinity, -.infinity])
    func `a double comes back as it was`(_ value: Double) throws {
        #expect(try row("select $1", .double(value)).double(0) == value)
    }

    @Test func `truth values and a real come back`() throws {
        let row = try row("select $1, $2, 1.5::real, 'NaN'::float8", true, false)
        #expect(try row.bool(0))
        #expect(try !row.bool(1))
        #expect(try row.double(2) == 1.5)
        #expect(try row.double(3).isNaN)
    }

    @Test(arguments: ["", "a", "Zürich → 東京 🚢", String(repeating: "x", count: 100_000)])
    func `a text comes back as it was`(_ value: String) throws {
        #expect(try row("select $1", .text(value)).string(0) == value)
    }

    @Test func `bytes come back, zero bytes and none at all`() throws {
        let bytes = (0...255).map { UInt8($0) }
        let row = try row("select $1, $2", .bytes(bytes), .bytes([]))
        #expect(try row.bytes(0) == bytes)
        #expect(try row.bytes(1).isEmpty)
        #expect(try row.withBytes(0) { $0.count } == 256)
    }

    @Test func `a uuid comes back and prints as the server prints it`() throws {
        let id = UUID()
        let row = try row("select $1, $1::text", .uuid(id))
        #expect(try row.uuid(0) == id)
        #expect(try row.string(1) == id.uuidString.lowercased())
    }

    @Test(arguments: [0, 1, -1, 946_684_800_000_000, 1_767_225_600_123_456, .max, .min])
    func `a time comes back to the microsecond`(_ microseconds: Int64) throws {
        #expect(try row("select $1", .timestamp(microseconds)).timestamp(0) == microseconds)
    }

    @Test func `a time means the same to the server`() throws {
        let row = try row("select $1 = timestamptz '2026-01-01T00:00:00.5Z'", .timestamp(1_767_225_600_500_000))
        #expect(try row.bool(0))
    }

    @Test func `json keeps its text and jsonb its meaning`() throws {
        let text = #"{"b": 1,  "a": "ü"}"#
        let row = try row("select $1, $2, $2 ->> 'a'", .json(Array(text.utf8)), .jsonb(Array(text.utf8)))
        #expect(try row.string(0) == text)
        #expect(try row.string(1) == #"{"a": "ü", "b": 1}"#)
        #expect(try row.bytes(1) == Array(#"{"a": "ü", "b": 1}"#.utf8))
        #expect(try row.string(2) == "ü")
    }

    @Test func `nulls read as nil and are refused where a value is asked for`() throws {
        let row = try row("select $1::bigint, $2::text, $3::uuid", nil, .optionalText(nil), .optionalUUID(nil))
        #expect(row.isNull(0))
        #expect(try row.optionalInt64(0) == nil)
        #expect(try row.optionalString(1) == nil)
        #expect(try row.optionalUUID(2) == nil)
        let error = try postgresError { _ = try row.int64(0) }
        #expect(error?.kind == .decoding)
    }

    @Test func `a null and a value of the same parameter share a statement text`() throws {
        for value in [PostgresValue.null, 5, nil, 6] {
            #expect(try row("select coalesce($1, 1::bigint)", value).int64(0) == value.integer ?? 1)
        }
    }

    @Test func `an enumeration reads as its label`() throws {
        try connection.script("create type mood as enum ('calm', 'busy')")
        #expect(try row("select $1::text::mood", "busy").string(0) == "busy")
        #expect(try row("select array['calm', 'busy']::mood[]").strings(0) == ["calm", "busy"])
    }

    @Test func `a column of another type is an error that names the column`() throws {
        let row = try row("select 1.5 as price")
        let error = try postgresError { _ = try row.int64(0) }
        #expect(error?.kind == .decoding)
        #expect(error?.message.contains("price") == true)
        #expect(try row.column(named: "price") == 0)
        #expect(throws: PostgresError.self) { try row.column(named: "cost") }
        #expect(throws: PostgresError.self) { try row.string(1) }
    }

    @Test func `a text with a zero byte is refused before it is sent`() throws {
        let array = PostgresArray.texts(["fine", "a\0b"])
        for value in [PostgresValue.text("a\0b"), .array(array)] {
            let error = try postgresError { try connection.query("select $1", [value]) }
            #expect(error?.kind == .usage)
            #expect(error?.isTransient == false)
        }
        #expect(throws: PostgresError.self) { try connection.script("select 1\0") }
        #expect(try row("select 1").int64(0) == 1)
    }
}

extension PostgresValue {
    fileprivate var integer: Int64? {
        guard case .int64(let value) = self else { return nil }
        return value
    }
}
