import Foundation
import Processes
import Testing

/// A schema may only change compatibly: who wrote to it, or read from it, under the last tag still can.
@Suite struct SchemaCompatibilityTests {
    /// What a newer schema takes away from an older one, each in one sentence.
    static func breaks(_ old: [String: Any], _ new: [String: Any], at path: String = "data") -> [String] {
        var found: [String] = []
        found += narrowed(types(old), types(new), "type", at: path)
        if let values = new["enum"] as? [Any] {
            let kept = Set(values.map { "\($0)" })
            let before = (old["enum"] as? [Any])?.map { "\($0)" }
            found += (before ?? []).filter { !kept.contains($0) }.map { "\(path) no longer takes '\($0)'" }
            if before == nil { found.append("\(path) takes only some values now") }
        }
        for (limit, isTighter) in limits {
            guard let now = new[limit] as? Double else { continue }
            if let before = old[limit] as? Double, !isTighter(before, now) { continue }
            found.append("\(path) has a tighter \(limit)")
        }
        if let pattern = new["pattern"] as? String, pattern != old["pattern"] as? String {
            found.append("\(path) has another pattern")
        }
        let before = old["properties"] as? [String: [String: Any]] ?? [:]
        let now = new["properties"] as? [String: [String: Any]] ?? [:]
        for (name, schema) in before.sorted(by: { $0.key < $1.key }) {
            guard let kept = now[name] else {
                found.append("\(path).\(name) is gone")
                continue
            }
            found += breaks(schema, kept, at: "\(path).\(name)")
        }
        let required = Set(old["required"] as? [String] ?? [])
        for name in (new["required"] as? [String] ?? []).sorted() where !required.contains(name) {
            found.append("\(path).\(name) is required now")
        }
        if let items = new["items"] as? [String: Any] {
            found += breaks(old["items"] as? [String: Any] ?? [:], items, at: path + "[]")
        }
        return found
    }

    private static let limits: [(String, @Sendable (Double, Double) -> Bool)] = [
        ("minimum", { $1 > $0 }), ("maximum", { $1 < $0 }), ("minLength", { $1 > $0 }), ("maxLength", { $1 < $0 }),
        ("minItems", { $1 > $0 }), ("maxItems", { $1 < $0 }), ("maxProperties", { $1 < $0 }),
    ]

    private static func types(_ schema: [String: Any]) -> [String]? {
        (schema["type"] as? String).map { [$0] } ?? schema["type"] as? [String]
    }

    private static func narrowed(_ old: [String]?, _ new: [String]?, _ what: String, at path: String) -> [String] {
        guard let new else { return [] }
        guard let old else { return ["\(path) takes only one \(what) now"] }
        return old.filter { !new.contains($0) && !($0 == "integer" && new.contains("number")) }
            .map { "\(path) no longer takes the \(what) \($0)" }
    }

    private static func schema(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test(arguments: [
        (#"{"type":"string"}"#, #"{"type":"string"}"#, 0), (#"{"type":"string"}"#, #"{"type":["string","null"]}"#, 0),
        (#"{"type":["string","null"]}"#, #"{"type":"string"}"#, 1), (#"{"type":"integer"}"#, #"{"type":"number"}"#, 0),
        (#"{"type":"number"}"#, #"{"type":"integer"}"#, 1), (#"{"maxLength":10}"#, #"{"maxLength":20}"#, 0),
        (#"{"maxLength":20}"#, #"{"maxLength":10}"#, 1), (#"{}"#, #"{"minimum":1}"#, 1),
        (#"{"enum":["a"]}"#, #"{"enum":["a","b"]}"#, 0), (#"{"enum":["a","b"]}"#, #"{"enum":["a"]}"#, 1),
        (#"{"properties":{"a":{}}}"#, #"{"properties":{"a":{},"b":{}}}"#, 0),
        (#"{"properties":{"a":{},"b":{}}}"#, #"{"properties":{"a":{}}}"#, 1),
        (#"{"required":["a"]}"#, #"{"required":[]}"#, 0), (#"{"required":[]}"#, #"{"required":["a"]}"#, 1),
        (#"{"items":{"type":"string"}}"#, #"{"items":{"type":"integer"}}"#, 1),
        (#"{"properties":{"a":{"properties":{"b":{}}}}}"#, #"{"properties":{"a":{"properties":{}}}}"#, 1),
        (#"{"pattern":"a"}"#, #"{"pattern":"b"}"#, 1),
    ])
    func `what a change takes away is found`(old: String, new: String, count: Int) throws {
        #expect(Self.breaks(try Self.schema(old), try Self.schema(new)).count == count)
    }

    /// The newest tag before this commit; `nil` where there is none, or no git.
    static let tag: String? = {
        let text = git(["describe", "--tags", "--abbrev=0"])?.trimmingCharacters(in: .whitespacesAndNewlines)
        return text?.isEmpty == false ? text : nil
    }()

    private static func git(_ arguments: [String]) -> String? {
        let command = ["git", "-C", TopicsTests.folder.deletingLastPathComponent().path] + arguments
        guard let answer = try? ChildProcess.output(of: command, errors: .null) else { return nil }
        return answer.ending == .code(0) ? String(decoding: answer.bytes, as: UTF8.self) : nil
    }

    @Test(.enabled(if: tag != nil, "There is no tag yet to compare the schemas with."))
    func `no schema takes away what the last tag's allowed`() throws {
        let tag = try #require(Self.tag)
        let files = try #require(Self.git(["ls-tree", "-r", "--name-only", tag, "topics"])).split(separator: "\n")
        let root = TopicsTests.folder.deletingLastPathComponent()
        for file in files.map(String.init) where file.hasSuffix(".schema.json") {
            let before = try Self.schema(try #require(Self.git(["show", "\(tag):\(file)"])))
            guard let now = try? String(contentsOf: root.appending(path: file), encoding: .utf8) else {
                Issue.record("\(file) of \(tag) is gone")
                continue
            }
            let breaks = Self.breaks(before, try Self.schema(now))
            #expect(breaks.isEmpty, "\(file): \(breaks.joined(separator: "; "))")
        }
    }
}
