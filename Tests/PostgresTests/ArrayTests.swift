import Foundation
import Postgres
import Testing

@Suite struct ArrayTests {
    let connection: PostgresConnection

    init() throws {
        connection = try TestDatabase.connect()
    }

    private func row(_ array: PostgresArray) throws -> PostgresRow {
        try connection.query("select $1, cardinality($1)", [.array(array)]).only()
    }

    @Test func `integers with nulls and extremes come back`() throws {
        let values: [Int64?] = [.min, nil, 0, .max, nil]
        #expect(try row(.optionalInt64s(values)).optionalInt64s(0) == values)
        #expect(try row(.int32s([.min, .max])).int64s(0) == [Int64(Int32.min), Int64(Int32.max)])
    }

    @Test func `texts with nulls come back`() throws {
        let values: [String?] = ["", nil, "NULL", "ü,\"{}", "a b"]
        #expect(try row(.optionalTexts(values)).optionalStrings(0) == values)
    }

    @Test func `bytes, uuids, times, doubles and truth values come back`() throws {
        let bytes: [[UInt8]?] = [[0, 255], nil, []]
        let ids: [UUID?] = [UUID(), nil, UUID()]
        let times: [Int64?] = [0, nil, .max, 1_767_225_600_123_456]
        #expect(try row(.optionalByteas(bytes)).optionalByteArrays(0) == bytes)
        #expect(try row(.optionalUUIDs(ids)).optionalUUIDs(0) == ids)
        #expect(try row(.optionalTimestamps(times)).optionalTimestamps(0) == times)
        #expect(try row(.doubles([1.5, -.infinity])).optionalDoubles(0) == [1.5, -.infinity])
        #expect(try row(.bools([true, false])).optionalBools(0) == [true, false])
    }

    @Test func `jsonb arrays come back`() throws {
        let array = PostgresArray.optionalJSONBs([Array(#"{"a": 1}"#.utf8), nil, Array("[]".utf8)])
        #expect(try row(array).optionalStrings(0) == [#"{"a": 1}"#, nil, "[]"])
    }

    @Test(arguments: [
        PostgresArray.Element.bool, .int16, .int32, .int64, .double, .text, .bytea, .uuid, .timestamptz, .json, .jsonb,
    ])
    func `an array of no elements or of one null fits every element type`(_ element: PostgresArray.Element) throws {
        #expect(try row(PostgresArray(element)).int64(1) == 0)
        var array = PostgresArray(element)
        array.appendNull()
        #expect(try row(array).int64(1) == 1)
        array.removeAll()
        #expect(try row(array).int64(1) == 0)
    }

    @Test func `a column of nothing but nulls may be sent empty beside a longer one`() throws {
        var nulls = PostgresArray(.int64)
        for _ in 0..<3 { nulls.appendNull() }
        #expect(nulls.unlessOnlyNulls.count == 0)
        let rows = try connection.query(
            "select unnest($1::text[]), unnest($2::bigint[])",
            [.array(.texts(["a", "b", "c"])), .array(nulls.unlessOnlyNulls)]
        )
        #expect(try rows.map { try $0.string(0) } == ["a", "b", "c"])
        #expect(try rows.allSatisfy { try $0.optionalInt64(1) == nil })
        nulls.append(Int64(1))
        #expect(nulls.unlessOnlyNulls.count == 4)
        var faulty = PostgresArray(.text)
        faulty.append("a\u{0}")
        #expect(throws: PostgresError.self) { try connection.query("select $1", [.array(faulty.unlessOnlyNulls)]) }
        nulls.removeAll()
        nulls.append(Int64(1))
        #expect(nulls.unlessOnlyNulls.count == 1)
    }

    @Test func `a copy does not follow the original`() throws {
        var original = PostgresArray.int64s([1])
        let copy = original
        original.append(Int64(2))
        #expect(try row(copy).int64s(0) == [1])
        #expect(try row(original).int64s(0) == [1, 2])
    }

    @Test func `a value of another type makes the query fail before it is sent`() throws {
        var wrongType = PostgresArray(.text)
        wrongType.append(Int64(1))
        var outOfRange = PostgresArray(.int32)
        outOfRange.append(Int64.max)
        for array in [wrongType, outOfRange] {
            let error = try postgresError { try connection.query("select $1", [.array(array)]) }
            #expect(error?.kind == .usage)
        }
    }

    @Test func `five hundred rows are written by one unnest`() throws {
        try connection.script(
            "create table item (id bigint primary key, name text, note text, data jsonb, at timestamptz)"
        )
        var ids = PostgresArray(.int64, capacity: 500)
        var names = PostgresArray(.text)
        var notes = PostgresArray(.text)
        var data = PostgresArray(.jsonb)
        var times = PostgresArray(.timestamptz)
        for number in 0..<500 {
            ids.append(number)
            names.append("item \(number)")
            if number % 2 == 0 { notes.appendNull() } else { notes.append("odd") }
            data.append(#"{"number": \#(number)}"#)
            times.append(timestamp: Int64(number))
        }
        let result = try connection.query(
            "insert into item select * from unnest($1::bigint[], $2::text[], $3::text[], $4::jsonb[], $5::timestamptz[])",
            [ids, names, notes, data, times].map(PostgresValue.array)
        )
        #expect(result.affected == 500)
        let sum = try connection.query(
            "select sum((data ->> 'number')::bigint)::bigint, count(note) from item where name = 'item ' || id"
        ).only()
        #expect(try sum.int64(0) == 124_750)
        #expect(try sum.int64(1) == 250)
    }
}
