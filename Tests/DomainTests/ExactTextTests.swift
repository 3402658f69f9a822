import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Texts that Unicode takes for the same, such as an accented letter in one code point and in two, are two texts.
@Suite struct ExactTextTests {
    private static let (one, two) = ("Caf\u{e9}", "Cafe\u{301}")

    @Test func `values that look the same are a change`() throws {
        let world = try CommandWorld.ready()
        try world.deploy("1.0.0", #""values":"name: \#(Self.one)""#)
        let body = #"{"project":"shop","environment":"staging","instance":"web","values":"name: "#
        func configure(_ name: String) throws -> Outcome {
            try world.request("instance.configure", key: "shop/staging", body + name + #""}"#)
        }
        #expect(try configure(Self.two) == .applied)
        guard case .rejected(let reason) = try configure(Self.two) else { throw Unexpected() }
        #expect(reason.code == "no_change")
        let values = try world.text("select desired ->> 'values' from instance")
        #expect(values.map { Array($0.utf8) } == Array("name: \(Self.two)".utf8))
    }

    @Test func `so is data that looks the same`() throws {
        let world = try CommandWorld.ready()
        func members(_ text: String) -> String { #""configMap":"web","data":{"name":"\#(text)"}"# }
        try world.make("config-map.create", members(Self.one))
        #expect(try world.ask("config-map.update", members(Self.two)) == .applied)
        try world.applied()
        #expect(try world.refusal("config-map.update", members(Self.two)) == "no_change configMap")
    }

    @Test(arguments: [(one, true), (two, false)])
    func `whose name looks like an administrator's is none`(user: String, isAdministrator: Bool) throws {
        let world = try CommandWorld()
        let permissions = Permissions(administrators: [Self.one])
        let standing = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try permissions.standing(of: user, at: .cluster("c1"), in: transaction)
        }
        #expect(standing.isAdministrator == isAdministrator)
    }

    @Test(arguments: [("a: \(one)", "a: \(two)"), ("[\(one)]", "[\(two)]"), ("\(one): 1", "\(two): 1")])
    func `trees of values are compared byte by byte`(left: String, right: String) throws {
        let (left, right) = (left.hasPrefix("[") ? "a: \(left)" : left, right.hasPrefix("[") ? "a: \(right)" : right)
        #expect(try ValuesTree(yaml: left, field: "values") == ValuesTree(yaml: left, field: "values"))
        #expect(try ValuesTree(yaml: left, field: "values") != ValuesTree(yaml: right, field: "values"))
    }

    private struct Unexpected: Error {}
}
