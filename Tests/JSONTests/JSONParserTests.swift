import JSON
import Testing

/// What the parser takes and what it refuses, with the code that a person finds in the dead letter.
struct JSONParserTests {
    private func code(_ bytes: [UInt8], _ parser: JSONParser = JSONParser()) -> JSONError.Code? {
        do {
            try parser.withDocument(bytes) { _ in }
            return nil
        } catch let error as JSONError {
            return error.code
        } catch {
            Issue.record(error)
            return nil
        }
    }

    @Test(arguments: [
        "{}", "[]", "0", "-0", "null", "true", "\"\"", " {\"a\" : [ 1 , 2.5e-3 ] } \n", "\"\\ud83d\\ude80\"",
        "\"\u{10FFFF}\"",
        "9223372036854775807", "-9223372036854775808", "18446744073709551615", "1e308", "5e-324",
    ])
    func `valid JSON is taken`(text: String) {
        #expect(code(Array(text.utf8)) == nil)
    }

    @Test(arguments: [
        ("", JSONError.Code.empty), ("  \n", .empty), ("{", .syntax), ("}", .syntax), ("{\"a\":}", .syntax),
        ("{\"a\":1,}", .syntax), ("[1 2]", .syntax), ("{'a':1}", .syntax), ("{a:1}", .syntax), ("NaN", .syntax),
        ("tru", .syntax), ("\"unclosed", .syntax), ("{} {}", .syntax), ("\"\\x\"", .syntax), ("\"\\u12\"", .syntax),
        ("\"a\nb\"", .syntax), ("not json", .syntax), ("// no\n1", .syntax), ("01", .numberOutOfRange),
        ("1.", .numberOutOfRange), ("-", .numberOutOfRange), ("18446744073709551616", .numberOutOfRange),
        ("-9223372036854775809", .numberOutOfRange), ("1e400", .numberOutOfRange),
        ("123456789012345678901234567890123456789", .numberOutOfRange),
    ])
    func `what is not JSON is refused by its code`(text: String, expected: JSONError.Code) {
        #expect(code(Array(text.utf8)) == expected)
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0x22, 0xF5, 0x80, 0x80, 0x80, 0x22],
            [0x22, 0xE2, 0x82, 0x22], [0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00],
        ] as [[UInt8]]
    )
    func `bytes that are not UTF-8 are refused as such`(bytes: [UInt8]) {
        #expect(code(bytes) == .notUTF8)
    }

    @Test(arguments: [
        "0.1", "-0.0", "123456789.123456789", "99999999999999.53988", "999999999999999999.23192e12", "1e-300",
        "1.7976931348623157e308",
        "2.2250738585072014e-308", "9007199254740993", "0.3e1",
    ])
    func `numbers are read as exactly as Swift reads them`(text: String) throws {
        let number = try JSONParser().withDocument(Array(text.utf8)) { $0.double }
        #expect(number == Double(text))
    }

    @Test func `64 levels are taken and 65 are not`() {
        for (start, end) in [("[", "]"), ("{\"a\":", "}")] {
            let fits = String(repeating: start, count: 64) + "1" + String(repeating: end, count: 64)
            #expect(code(Array(fits.utf8)) == nil)
            #expect(code(Array((start + fits + end).utf8)) == .tooDeep)
        }
    }

    @Test func `10,000 levels are too deep, and end neither the parser nor the process`() {
        let open = String(repeating: "[", count: 10_000)
        #expect(code(Array((open + String(repeating: "]", count: 10_000)).utf8)) == .tooDeep)
        let objects = String(repeating: "{\"a\":", count: 10_000) + "1" + String(repeating: "}", count: 10_000)
        #expect(code(Array(objects.utf8)) == .tooDeep)
        let strict = #expect(throws: JSONError.self) { try JSONParser().validate(Array(objects.utf8)) }
        #expect(strict?.code == .tooDeep)
        #expect(strict?.sentence.contains("64") == true)
    }

    @Test func `10 MB are too large, and the sentence names both numbers`() {
        let bytes = [UInt8](repeating: UInt8(ascii: " "), count: 10_000_000) + Array("{}".utf8)
        let error = #expect(throws: JSONError.self) { try JSONParser().withDocument(bytes) { _ in } }
        #expect(error?.code == .tooLarge)
        #expect(error?.sentence == "The value has 10000002 bytes; at most 1048576 are accepted.")
    }

    @Test func `a document of exactly the largest size is taken, and small ones after it`() throws {
        let parser = JSONParser(maximumBytes: 1 << 20)
        let text = "[\"" + String(repeating: "a", count: (1 << 20) - 4) + "\"]"
        for _ in 0..<3 {
            try parser.withDocument(Array(text.utf8)) { root in
                #expect(root[0]?.string?.utf8.count == (1 << 20) - 4)
            }
            try parser.withDocument(Array(#"{"a":[1,2]}"#.utf8)) { root in
                #expect(root["a"]?[1]?.int == 2)
            }
        }
    }

    @Test func `a parser goes on after an error`() throws {
        let parser = JSONParser()
        #expect(code(Array("{".utf8), parser) == .syntax)
        #expect(code([0xFF], parser) == .notUTF8)
        #expect(try parser.withDocument(Array("7".utf8)) { $0.int } == 7)
    }

    @Test func `an error of the closure comes out, and the parser can be used again`() throws {
        struct Stop: Error {}
        let parser = JSONParser()
        #expect(throws: Stop.self) { try parser.withDocument(Array("{}".utf8)) { _ in throw Stop() } }
        #expect(try parser.withDocument(Array("1".utf8)) { $0.int } == 1)
    }

    @Test func `the bytes of a member come as they were written`() throws {
        let parser = JSONParser()
        let text = #"{ "id":1, "d\u0061ta" : {"b": 1.10, "a" : [ 1 , 2 ], "c": "\u00e9" } , "x": null }"#
        let data = try parser.bytes(of: "data", in: Array(text.utf8))
        #expect(data.map { String(decoding: $0, as: UTF8.self) } == #"{"b": 1.10, "a" : [ 1 , 2 ], "c": "\u00e9" }"#)
        for (json, member) in [
            ("{\"data\" : 1.50 }", "1.50"), ("{\"data\":\"a b\" ,\"z\":1}", "\"a b\""), ("{\"data\":null}", "null"),
        ] {
            let bytes = try parser.bytes(of: "data", in: Array(json.utf8))
            #expect(bytes.map { String(decoding: $0, as: UTF8.self) } == member)
        }
        #expect(try parser.bytes(of: "data", in: Array("{\"a\":1}".utf8)) == nil)
        #expect(try parser.bytes(of: "data", in: Array("[1]".utf8)) == nil)
    }
}
