import Foundation
import JSON
import SimdjsonReference
import Testing

/// Random documents, valid and damaged, read by this parser and by Foundation's, which must agree.
struct JSONDifferentialTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `both parsers read the same from random documents`(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let parser = JSONParser()
        for _ in 0..<250 {
            let text = random.document(depth: 5)
            let ours = try parser.withDocument(Array(text.utf8)) { Tree($0) }
            let theirs = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
            #expect(ours.isEqual(to: theirs), "seed \(seed): \(text)")
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `what this parser takes of damaged documents, Foundation takes too`(seed: UInt64) throws {
        var random = SeededRandom(seed &+ 1000)
        let parser = JSONParser()
        for _ in 0..<250 {
            var bytes = Array(random.document(depth: 4).utf8)
            for _ in 0...random.next(3) { random.damage(&bytes) }
            guard let ours = try? parser.withDocument(bytes, { Tree($0) }) else { continue }
            let theirs = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            // Of repeated keys the first counts here and the last there: strict reading refuses them.
            guard (try? parser.validate(bytes)) != nil else { continue }
            #expect(ours.isEqual(to: theirs), "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `what simdjson's own parser takes and refuses, this one takes and refuses`(seed: UInt64) {
        var random = SeededRandom(seed &+ 2000)
        let parser = JSONParser()
        for _ in 0..<2000 {
            var bytes = Array(random.document(depth: 4).utf8)
            for _ in 0..<random.next(4) { random.damage(&bytes) }
            let ours = (try? parser.withDocument(bytes) { _ in }) != nil
            let theirs = bytes.withUnsafeBytes { bytes in
                bytes.baseAddress.map { simdjson_takes($0, bytes.count) } ?? false
            }
            #expect(ours == theirs, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test(arguments: [
        "[1]", "[1 ]", "[1\"a\"]", "[\"a\"1]", "[\"a\"\"b\"]", "[truefalse]", "[true]x", "[nul]", "[1,]", "[,1]",
        "{\"a\"}",
        "{\"a\":1 \"b\":2}", "{\"a\" :\t1}", "{1:2}", "{\"a\"::1}", "]", "[}", "{]", "[[]", "[]]", "\"a\" ", "\"a",
        "1 ", "-",
        "-0", "-01", "00", "0.", ".5", "1e", "1e+", "1E5", "1.5e-400", "-1.5e-400", "1e309", "18446744073709551615",
        "18446744073709551616", "20000000000000000000", "99999999999999999999", "123456789012345678901",
        "-9223372036854775808",
        "-9223372036854775809", "\"\\u00e9\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\\"\"", "\"\\\"", "\"\u{1}\"",
        "\u{feff}1",
        "[1]\u{0}", "\u{0}", "[\u{0}]", "tru", "true1", "true,", "null]", "{\"a\":}", "{\"a\":1,}", "[\"\\x\"]", "[1,2",
        "{\"a\":[}",
    ])
    func `the edges of the grammar are where simdjson has them`(text: String) {
        let bytes = Array(text.utf8)
        let ours = (try? JSONParser().withDocument(bytes) { _ in }) != nil
        #expect(ours == simdjson_takes(bytes, bytes.count))
    }
}

/// A document copied out of the parser.
private indirect enum Tree {
    case null
    case bool(Bool)
    case number(Double, Int64?)
    case string(String)
    case array([Tree])
    case object([String: Tree])

    init(_ value: JSONValue) {
        switch value.kind {
        case .null: self = .null
        case .bool: self = .bool(value.bool ?? false)
        case .number: self = .number(value.double ?? .nan, value.int)
        case .string: self = .string(value.string ?? "")
        case .array:
            var elements: [Tree] = []
            value.forEachElement { elements.append(Tree($0)) }
            self = .array(elements)
        case .object:
            var members: [String: Tree] = [:]
            value.forEachMember { members[$0] = Tree($1) }
            self = .object(members)
        }
    }

    func isEqual(to other: Any) -> Bool {
        switch self {
        case .null: other is NSNull
        case .bool(let truth): (other as? Bool) == truth
        case .number(let double, let int):
            int.map { (other as? Int64) == $0 } ?? Self.isClose(double, (other as? NSNumber)?.doubleValue)
        case .string(let text): (other as? String) == text
        case .array(let elements):
            (other as? [Any]).map { $0.count == elements.count && zip(elements, $0).allSatisfy { $0.isEqual(to: $1) } }
                ?? false
        case .object(let members):
            (other as? [String: Any]).map { others in
                others.count == members.count
                    && members.allSatisfy { name, value in others[name].map { value.isEqual(to: $0) } ?? false }
            } ?? false
        }
    }

    /// Foundation rounds numbers of many digits twice, by way of a decimal number.
    private static func isClose(_ ours: Double, _ theirs: Double?) -> Bool {
        theirs.map { abs(ours - $0) <= abs(ours) * 1e-14 } ?? false
    }
}
