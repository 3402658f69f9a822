import Foundation
import Testing

/// Every code by which Slipway refuses, fails or warns is shown by a test.
@Suite struct ReasonCodeTests {
    /// Codes of the last resort, where what leads to them is caught before, each by a code of its own; and what would have
    /// to be waited for, a namespace that does not go away for a quarter of an hour.
    static let lastResorts: Set = ["invalid_message", "invalid_release", "invalid_request", "namespace_terminating"]

    private static func texts(in folder: String) throws -> [String] {
        let root = TopicsTests.folder.deletingLastPathComponent().appending(path: folder)
        let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
        var texts: [String] = []
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift", file.lastPathComponent != "ReasonCodeTests.swift" else { continue }
            texts.append(try String(contentsOf: file, encoding: .utf8))
        }
        return texts
    }

    static func codes() throws -> Set<String> {
        var codes: Set<String> = []
        for text in try texts(in: "Sources/Domain") + texts(in: "Sources/ClusterAgent") {
            for match in text.matches(of: /code: "([a-z_]+)"/) { codes.insert(String(match.1)) }
        }
        return codes
    }

    @Test func `each code stands in a test`() throws {
        let codes = try Self.codes()
        #expect(codes.count > 80)
        let tests = try Self.texts(in: "Tests").joined()
        let missing = codes.subtracting(Self.lastResorts).filter { code in
            !tests.contains("\"\(code)\"") && !tests.contains("\"\(code) ") && !tests.contains(" \(code)\"")
        }
        #expect(missing.isEmpty, "no test shows \(missing.sorted().joined(separator: ", "))")
    }
}
