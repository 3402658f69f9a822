import Foundation
import Postgres
import Sealing
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Networks, domains, certificates, config maps and secrets in the environment `shop/staging`.
extension CommandWorld {
    /// What the fleet opens sealed values with.
    static let sealing = made {
        try SealingKeys.make([SecretBytes(Array(repeating: 9, count: 32))], of: .fleet)
    }
    static let keyRingPath = NSTemporaryDirectory() + "key-ring-\(UUID().uuidString)"
    /// What the fleet encrypts at rest with.
    static let keyRing = made {
        try KeyRing.addKey(named: "first", to: keyRingPath)
        return try KeyRing.load(keyRingPath)
    }

    private static func made<T>(_ body: () throws -> T) -> T {
        do { return try body() } catch { preconditionFailure("\(error)") }
    }

    /// Handles one request in `shop/staging`.
    @discardableResult
    func ask(_ type: String, _ members: String, as caller: String = "olga", id: String? = nil) throws -> Outcome {
        try request(type, key: "shop/staging", Self.body(members), id: id, as: caller)
    }

    static func body(_ members: String) -> String {
        #"{"project":"shop","environment":"staging",\#(members)}"#
    }

    /// The code of the reason for which a request in `shop/staging` is refused, and the field that it names.
    func refusal(_ type: String, _ members: String, as caller: String = "olga") throws -> String? {
        guard case .rejected(let reason) = try ask(type, members, as: caller) else { return nil }
        return "\(reason.code) \(reason.field ?? "")".trimmingCharacters(in: .whitespaces)
    }

    /// Asks, and lets the agent do it.
    func make(_ type: String, _ members: String) throws {
        #expect(try ask(type, members) == .applied, "\(type) \(members)")
        try applied()
    }

    /// Lets the agent say that it has done the newest command.
    func applied(_ objects: String = "") throws {
        try report("applied", of: try lastCommand(), #""objects":[\#(objects)]"#)
    }

    /// State, generation and revision of an object.
    func object(_ kind: String, _ name: String) throws -> String? {
        try text(
            """
            select state || ' ' || generation || ' ' || revision from environment_object
            where kind = '\(kind)' and name = '\(name)'
            """
        )
    }

    /// State and revision of each command on an object, oldest first.
    func commands(on name: String) throws -> [String] {
        try connection.query(
            """
            select operation || ' ' || state || ' ' || revision from command
            where subject_name = $1 and object_id is not null order by created_at, generation
            """,
            [.text(name)]
        ).map { try $0.string(0) }
    }

    /// A value sealed to the fleet for a place in `shop/staging`.
    static func sealed(
        _ value: String,
        _ name: String,
        _ key: String,
        kind: String = "secret",
        environment: String = "staging"
    ) throws -> String {
        try sealing.publicKey.seal(
            SecretBytes(utf8: value),
            for: Binding("shop", environment, kind, name, key)
        ).text
    }

    /// Opens a value as the agent of `c1` does.
    func opened(_ text: String?, secret: String, key: String) throws -> String? {
        let keys = try fleetKey.clusterKey("c1", keyID: 1).sealingKeys(of: "c1")
        let field = try SealedField.parse(try #require(text))
        return try keys.open(field, for: Binding("c1", "shop-staging", "secret", secret, key)).text()
    }
}

extension Published {
    /// The data as JSON.
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(value))) as? [String: Any] ?? [:]
    }

    /// The sealed values of the secret that the agent is to make.
    var sealedValues: [String: String] {
        let secret = (json["secrets"] as? [[String: Any]])?.first
        return secret?["values"] as? [String: String] ?? [:]
    }

    /// Kind and name of what the agent is to remove.
    var removed: [String] {
        (json["removed"] as? [[String: String]] ?? []).map { "\($0["kind"] ?? "") \($0["name"] ?? "")" }
    }

    /// Kind and name of what the agent is to apply.
    var appliedObjects: [String] {
        (json["objects"] as? [[String: Any]] ?? []).map { object in
            "\(object["kind"] ?? "") \((object["metadata"] as? [String: Any])?["name"] ?? "")"
        }
    }
}
