import Foundation
import Postgres
import Sealing
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// A secret from its sender, who seals it, to its cluster, for which it is sealed again.
@Suite struct SecretRequestTests {
    let world: CommandWorld

    init() throws {
        world = try CommandWorld.ready()
    }

    /// Members of a request with values sealed for the secret `db`.
    private func members(_ values: [String: String], _ more: String = "", of name: String = "db") throws -> String {
        let sealed = try values.sorted { $0.key < $1.key }
            .map { #""\#($0.key)":"\#(try CommandWorld.sealed($0.value, name, $0.key))""# }
        return #""secret":"\#(name)","data":{\#(sealed.joined(separator: ","))}\#(more.isEmpty ? "" : ",")\#(more)"#
    }

    private func sent() throws -> Published {
        try #require(try world.published("agent.commands.c1").last { $0.name == "objects_requested" })
    }

    @Test func `a secret is sealed for its cluster, encrypted in its row, and published by its keys' names`() throws {
        #expect(try world.ask("secret.create", members(["password": "s3cr3t", "user": "shop"])) == .applied)
        let messages = try world.published()
        #expect(messages.map(\.name) == ["objects_requested", "accepted", "sent", "status"])
        let values = messages[0].sealedValues
        #expect(try world.opened(values["password"], secret: "db", key: "password") == "s3cr3t")
        #expect(try world.opened(values["user"], secret: "db", key: "user") == "shop")
        #expect(messages[3].type == "slipway.secret.status.v1")
        #expect(messages[3]["type"] == "Opaque" && messages[3]["keys"] == "password user")
        let row = try #require(try world.text("select confidential from environment_object"))
        #expect(!row.contains("s3cr3t"))
        let stored = try EncryptedValues(json: row)
        let place = ConfidentialPlace(project: "shop", environment: "staging", concept: .secret, name: "db")
        let kept = try CommandWorld.keyRing.decrypt(try #require(stored["password"]), for: place.binding("password"))
        #expect(kept.text() == "s3cr3t")
        try world.applied()
        #expect(try world.object("secret", "db") == "running 1 2")
    }

    @Test func `an update changes the keys that it names and keeps the others`() throws {
        try world.make("secret.create", members(["password": "old", "user": "shop", "host": "db1"]))
        try world.make("secret.update", members(["password": "new", "port": "5432"], #""remove":["host"]"#))
        let message = try sent()
        let values = message.sealedValues
        #expect(values.keys.sorted() == ["password", "port", "user"])
        #expect(try world.opened(values["password"], secret: "db", key: "password") == "new")
        #expect(try world.opened(values["user"], secret: "db", key: "user") == "shop")
        #expect(try world.published("object.status").isEmpty)
        #expect(try world.object("secret", "db") == "running 2 4")
    }

    @Test func `the same values sealed anew change nothing, and are refused as that`() throws {
        try world.make("secret.create", members(["password": "old", "user": "shop"]))
        #expect(try world.refusal("secret.update", members(["password": "old"])) == "no_change secret")
        #expect(try world.refusal("secret.create", members(["password": "old"])) == "already_exists secret")
    }

    @Test(arguments: ["shop-tls", "web-registry", "sh.helm.release.v1.web.v1"])
    func `a secret does not take what is kept for a certificate, a registry's login or helm`(name: String) throws {
        try world.make("certificate.request", CertificateRequestTests.order)
        #expect(try world.refusal("secret.create", members(["a": "1"], of: name)) == "name_taken secret")
        #expect(try world.text("select count(*) from environment_object") == "1")
    }

    @Test func `a registry's login does not take the secret that somebody made, until that is gone`() throws {
        try world.make("secret.create", members(["a": "1"], of: "api-registry"))
        let password = try CommandWorld.sealing.publicKey.seal(
            SecretBytes(utf8: "hunter2"),
            for: Binding("shop", "application", "api", "registry.password")
        ).text
        let registry = #""registry":{"server":"r","username":"u","password":"\#(password)"}"#
        func ask(_ type: String, _ more: String) throws -> Outcome {
            try world.request(type, key: "shop", #"{"project":"shop","application":"api"\#(more)}"#)
        }
        func refusal(_ outcome: Outcome) -> String? {
            guard case .rejected(let reason) = outcome else { return nil }
            return "\(reason.code) \(reason.field ?? "")"
        }
        #expect(refusal(try ask("application.create", "," + registry)) == "name_taken registry")
        #expect(try ask("application.create", "") == .applied, "without a registry it wants no secret")
        #expect(refusal(try ask("application.update", "," + registry)) == "name_taken registry")
        #expect(try ask("application.update", #","registry":{"server":""}"#) == .applied)
        try world.make("secret.delete", #""secret":"api-registry""#)
        #expect(try ask("application.update", "," + registry) == .applied)
    }

    @Test func `a certificate does not take the secret that somebody made, until that is gone`() throws {
        try world.make("secret.create", members(["a": "1"], of: "shop-tls"))
        #expect(try world.refusal("certificate.request", CertificateRequestTests.order) == "name_taken certificate")
        try world.make("secret.delete", #""secret":"shop-tls""#)
        #expect(try world.ask("certificate.request", CertificateRequestTests.order) == .applied)
    }

    @Test(arguments: [
        (#""data":{"password":"hunter2"}"#, "not_sealed data.password"),
        (#""data":{"password":"sealed:v1:x"}"#, "sealed_malformed data.password"),
        (#""data":{"password":"sealed:v2:x:y"}"#, "sealed_malformed data.password"),
        (#""data":{}"#, "invalid_field data"), (#""data":{"a b":"hunter2"}"#, "invalid_key data"),
        (#""data":{"password":5}"#, "wrong_type data.password"), (#""type":"Opaque""#, "missing_field data"),
        (#""type":"kubernetes.io/tls","data":{"tls.crt":"\#(sealedText)"}"#, "missing_key data"),
        (#""data":{"password":"\#(sealedText)"}"#, "sealed_for_unknown_key data.password"),
    ])
    func `what is not sealed, or not as it should be, is refused without a word of it`(members: String, refusal: String)
        throws
    {
        #expect(try world.refusal("secret.create", #""secret":"db",\#(members)"#) == refusal)
        let answer = try #require(try world.published().last)
        #expect(!String(decoding: answer.value, as: UTF8.self).contains("hunter2"))
        #expect(try world.text("select count(*) from environment_object") == "0")
    }

    @Test func `a value sealed for another place opens nowhere else`() throws {
        for (name, key, environment) in [
            ("other", "password", "staging"), ("db", "user", "staging"), ("db", "password", "live"),
        ] {
            let value = try CommandWorld.sealed("s3cr3t", name, key, environment: environment)
            let members = #""secret":"db","data":{"password":"\#(value)"}"#
            #expect(try world.refusal("secret.create", members) == "sealed_does_not_open data.password")
        }
    }

    @Test func `rules of updates: keys that are there, no contradiction, at least one left, what the type demands`()
        throws
    {
        try world.make(
            "secret.create",
            members(["username": "u", "password": "p"], #""type":"kubernetes.io/basic-auth""#)
        )
        let cases: [(String, String)] = [
            (#""secret":"db","remove":["other"]"#, "unknown_key remove[0]"),
            (try members(["password": "q"], #""remove":["password"]"#), "contradiction remove[0]"),
            (#""secret":"db","remove":["username","password"]"#, "last_key remove"),
            (try members(["x": "y"], #""remove":["username","password"]"#), "missing_key remove"),
            (#""secret":"db""#, "missing_field data"),
            (#""secret":"db","data":{"password":"hunter2"}"#, "not_sealed data.password"),
            (#""secret":"other","remove":["username"]"#, "unknown_secret secret"),
        ]
        for (members, refusal) in cases { #expect(try world.refusal("secret.update", members) == refusal) }
        #expect(try world.object("secret", "db") == "running 1 2")
    }

    @Test func `what docker is to read must be JSON`() throws {
        let type = #""type":"kubernetes.io/dockerconfigjson""#
        #expect(
            try world.refusal("secret.create", members([".dockerconfigjson": "hunter2"], type))
                == "invalid_value data..dockerconfigjson"
        )
        #expect(
            try world.ask(
                "secret.create",
                members([".dockerconfigjson": #"{\"auths\":{}}"#.replacing("\\", with: "")], type)
            ) == .applied
        )
    }

    @Test func `a change after a failed one builds on what the cluster has, not on what failed`() throws {
        try world.make("secret.create", members(["a": "1", "b": "2"]))
        try world.ask("secret.update", members(["a": "bad"]))
        try world.report("failed", of: try world.lastCommand(), #""code":"forbidden","message":"No.""#)
        try world.make("secret.update", members(["b": "3"]))
        let values = try sent().sealedValues
        #expect(try world.opened(values["a"], secret: "db", key: "a") == "1")
        #expect(try world.opened(values["b"], secret: "db", key: "b") == "3")
    }

    @Test func `a change on top of one that is on its way includes it`() throws {
        try world.make("secret.create", members(["a": "1", "b": "2"]))
        try world.ask("secret.update", members(["a": "one"]))
        try world.ask("secret.update", members(["b": "two"]))
        let values = try sent().sealedValues
        #expect(try world.opened(values["a"], secret: "db", key: "a") == "one")
        #expect(try world.opened(values["b"], secret: "db", key: "b") == "two")
    }

    @Test func `a deleted secret leaves no value behind`() throws {
        try world.make("secret.create", members(["password": "s3cr3t"]))
        #expect(try world.ask("secret.delete", #""secret":"db""#) == .applied)
        let message = try sent()
        #expect(message.removed == ["Secret db"] && message.sealedValues.isEmpty)
        try world.applied()
        #expect(
            try world.text("select confidential || coalesce(running_confidential, '{}') from environment_object")
                == "{}"
        )
        try world.make("secret.create", members(["other": "x"]))
        #expect(try sent().sealedValues.keys.sorted() == ["other"])
    }

    @Test func `a deleted environment keeps none of its secrets`() throws {
        try world.make("secret.create", members(["password": "s3cr3t"]))
        let body = #"{"project":"shop","environment":"staging","force":true}"#
        #expect(try world.request("environment.delete", key: "shop/staging", body) == .applied)
        try world.applied()
        let kept = "state || ' ' || confidential || coalesce(running_confidential, '{}') || placed"
        #expect(try world.text("select \(kept) from environment_object") == "deleted {}{}[]")
        #expect(try world.published("object.status").map(\.name).last == "tombstone")
    }

    @Test func `an open command is sealed anew for an agent that says hello with its next key`() throws {
        try world.ask("secret.create", members(["password": "s3cr3t"]))
        _ = try ClusterKeyRotation.rotate("c1", keep: nil, on: world.connection)
        try world.connect("c1", boot: AgentStatusHandlerTests.second, keyID: 2)
        let text = try sent().sealedValues["password"]
        let keys = try world.fleetKey.clusterKey("c1", keyID: 2).sealingKeys(of: "c1")
        let binding = Binding("c1", "shop-staging", "secret", "db", "password")
        #expect(try keys.open(SealedField.parse(try #require(text)), for: binding).text() == "s3cr3t")
    }

    @Test func `too much for one message is refused before anything is written`() throws {
        let half = String(repeating: "x", count: 400_000)
        try world.make("secret.create", members(["a": half]))
        #expect(try world.refusal("secret.update", members(["b": half])) == "too_large secret")
        #expect(try world.object("secret", "db") == "running 1 2")
    }

    @Test func `a fleet without keys takes nothing confidential`() throws {
        let handler = DeploymentRequestHandler(
            fleetKey: world.fleetKey,
            timers: CommandTimers(),
            callers: NamedCallers(),
            permissions: Permissions(administrators: ["root"])
        )
        let body = CommandWorld.body(try members(["password": "s3cr3t"]))
        let message = world.message("secret.create", key: "shop/staging", body)
        let outcome = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            try CommandWorld.run(handler, [message], in: transaction)
        }
        guard case .rejected(let reason) = outcome.first else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "sealing_not_set_up" && reason.field == "data.password")
    }

    @Test func `the key ring's next key encrypts what there is anew; then the first one can go`() throws {
        try world.make("secret.create", members(["a": "1", "b": "2"]))
        try world.make("secret.update", members(["a": "one"]))
        for number in 1...5 {
            let name = "more-\(number)"
            try world.ask("secret.create", members(["k": "\(number)"], of: name))
        }
        let path = NSTemporaryDirectory() + "key-ring-\(UUID().uuidString)"
        try KeyRing.addKey(named: "second", to: path)
        let alone = try KeyRing.load(path)
        #expect(throws: Reason.self) { try KeyRingRotation(keyRing: alone).run(on: world.connection) }
        let login = Binding("shop", "application", "web", "registry.password")
        try world.connection.query(
            "update application set registry_password = $1",
            [.bytes(try CommandWorld.keyRing.encrypt(SecretBytes(utf8: "login"), for: login))]
        )
        let first = try String(contentsOfFile: CommandWorld.keyRingPath, encoding: .utf8)
        let second = try String(contentsOfFile: path, encoding: .utf8)
        let both = path + "-both"
        try Data((first + second).utf8).write(to: URL(filePath: both))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: both)
        let report = try KeyRingRotation(keyRing: KeyRing.load(both)).run(on: world.connection, chunk: 2)
        #expect(report == .init(rows: 7, values: 10))
        #expect(try KeyRingRotation(keyRing: alone).run(on: world.connection).values == 0)
        let row = try EncryptedValues(
            json: try #require(try world.text("select confidential from environment_object where name = 'db'"))
        )
        let place = ConfidentialPlace(project: "shop", environment: "staging", concept: .secret, name: "db")
        #expect(try alone.decrypt(try #require(row["a"]), for: place.binding("a")).text() == "one")
        let password = try world.connection.query("select registry_password from application").only().bytes(0)
        #expect(try alone.decrypt(password, for: login).text() == "login")
    }
}
