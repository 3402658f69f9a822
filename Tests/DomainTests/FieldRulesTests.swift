import Foundation
import TestSupport
import Testing
import WorkerRuntime

@testable import Domain

/// How long a text may be is counted as the schemas in `topics/` count it: in code points.
@Suite struct FieldRulesTests {
    @Test(arguments: ["a", "字", "😀", "e\u{301}", "👩‍👩‍👧‍👦"])
    func `a text is as long for the rule as for the schema`(part: String) throws {
        let file = "deployment.requests/slipway.project.update.v1.schema.json"
        let schema = try JSONSchema(Data(contentsOf: TopicsTests.folder.appending(path: file)))
        let most = 500 / part.unicodeScalars.count
        for (count, isAccepted) in [(1, true), (most, true), (most + 1, false)] {
            let text = String(repeating: part, count: count)
            let reason = try refusal { try FieldRules.text(text, "description", limit: 500) }
            #expect((reason == nil) == isAccepted, "\(count) times")
            let faults = try schema.faults(of: ["project": "shop", "description": text] as [String: Any])
            #expect(faults.isEmpty == isAccepted, "\(faults)")
        }
    }

    @Test func `users and versions may have as many characters as the sentence says`() throws {
        func text(_ count: Int) -> String { String(repeating: "字", count: count) }
        #expect(try refusal { try FieldRules.user(text(200), "owners") } == nil)
        #expect(try refusal { try FieldRules.user(text(201), "owners") }?.field == "owners")
        #expect(try refusal { try FieldRules.version(text(128)) } == nil)
        #expect(try refusal { try FieldRules.version(text(129)) }?.field == "version")
        #expect(try refusal { try FieldRules.user("", "owners") }?.field == "owners")
        #expect(try refusal { try FieldRules.version("") }?.field == "version")
    }
}
