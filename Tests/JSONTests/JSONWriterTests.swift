import Foundation
import JSON
import Testing

/// What is written, byte by byte and read back by Foundation.
struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        String(decoding: JSONWriter.object(body), as: UTF8.self)
    }

    @Test func `an object with members of each type`() {
        let missing: Int64? = nil
        let written = text { json in
            json.member("text", "a")
            json.member("none", nil)
            json.member("number", 42)
            json.member("long", Int64.min)
            json.member("unsigned", UInt64.max)
            json.member("missing", missing)
            json.member("double", 0.5)
            json.member("infinite", Double.infinity)
            json.member("truth", true)
            json.member("object") { json in json.member("x", 1) }
            json.member("named", object: { _ in })
            json.array("list") { json in
                json.value("a")
                json.value(1)
                json.value(2.5)
                json.value(false)
                json.null()
                json.object { json in json.member("y", 2) }
                json.array { _ in }
            }
            json.member("texts", array: ["a", "b"])
            json.member("raw", json: Array("[1, 2]".utf8))
            json.null("nothing")
            json.key(named: "k\"1")
            json.value("v")
        }
        #expect(
            written
                == #"{"text":"a","none":null,"number":42,"long":-9223372036854775808,"unsigned":18446744073709551615,"#
                + #""missing":null,"double":0.5,"infinite":null,"truth":true,"object":{"x":1},"named":{},"#
                + #""list":["a",1,2.5,false,null,{"y":2},[]],"texts":["a","b"],"raw":[1, 2],"nothing":null,"k\"1":"v"}"#
        )
    }

    @Test func `what must be escaped is, and nothing else`() {
        let written = text { $0.member("t", "\"\\\n\r\t\u{0}\u{1f}\u{7f}/é🚀\u{2028}") }
        #expect(written == #"{"t":"\"\\\n\r\t\u0000\u001f"# + "\u{7f}/é🚀\u{2028}\"}")
    }

    @Test func `a writer that was cleared starts anew`() {
        var writer = JSONWriter()
        writer.object { $0.member("a", 1) }
        writer.clear()
        writer.array { $0.value(1) }
        #expect(writer.bytes == Array("[1]".utf8))
    }

    @Test func `an error of the closure comes out`() {
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try JSONWriter.object { (_: inout JSONWriter) throws(Stop) in throw Stop() }
        }
    }

    @Test func `each Unicode scalar below U+0800 comes back from Foundation`() throws {
        let scalars = (0..<0x800).compactMap(Unicode.Scalar.init)
        let expected = String(String.UnicodeScalarView(scalars))
        let written = JSONWriter.array { $0.value(expected) }
        let decoded = try JSONDecoder().decode([String].self, from: Data(written))
        #expect(decoded.first.map { Array($0.utf8) } == Array(expected.utf8))
    }

    @Test func `numbers come back from Foundation`() throws {
        let integers: [Int64] = [0, 1, -1, 9, 10, 99, 100, 1 << 53, .max, .min, -1_000_000]
        let doubles = [
            0.1, -0.0, 1e21, 1e-7, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1.0 / 3, 123_456_789.123,
        ]
        let written = JSONWriter.array { json in
            for number in integers { json.value(number) }
        }
        #expect(try JSONDecoder().decode([Int64].self, from: Data(written)) == integers)
        let fractions = JSONWriter.array { json in
            for number in doubles { json.value(number) }
        }
        #expect(try JSONDecoder().decode([Double].self, from: Data(fractions)) == doubles)
    }
}
