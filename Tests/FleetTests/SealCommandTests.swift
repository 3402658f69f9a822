import Foundation
import Kafka
import Postgres
import Sealing
import TestSupport
import Testing

/// Sealing on the command line: it needs no fleet.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct SealCommandTests {
    @Test func `a public key may begin with a dash`() throws {
        let world = try FleetWorld(topics: [])
        let file = world.folder + "/value"
        try "hunter2".write(toFile: file, atomically: true, encoding: .utf8)
        let key = "-" + String(repeating: "A", count: 42)
        let sealed = try world.said("slipway", ["seal", "shop/staging/secret/a", "password", "--key", key], file)
        #expect(sealed.count > 60 && !sealed.contains(" "))
    }

    @Test(arguments: ["shop/application/web", "shop/staging/certificate/shop"])
    func `what is sealed for an object opens for it`(object: String) throws {
        let world = try FleetWorld(topics: [])
        try world.makeSealingKeys()
        let sealed = try SealedField.parse(try world.seal("hunter2", for: object, "a.password"))
        let keys = try SealingKeys.load(try #require(world.environment["SLIPWAY_SEALING_KEYS"]), of: .fleet)
        let parts = object.split(separator: "/").map(String.init)
        let opened = try keys.open(sealed, for: Binding(parts: parts + ["a.password"]))
        #expect(opened.withUnsafeBytes { Array($0) } == Array("hunter2".utf8))
    }

    @Test(arguments: ["shop/staging/secrets/mail", "shop/staging/config-map/web"])
    func `what nobody would ever open is not sealed`(object: String) throws {
        let world = try FleetWorld(topics: [])
        let process = try world.start("slipway", ["seal", object, "a", "--key", "x"], input: "/dev/null")
        #expect(try process.exitCode() == 64)
        #expect(process.output.contains("should be secret or certificate"), "\(process.output)")
    }

    @Test(arguments: ["shop/web", "shop/staging/web", "shop//secret/a", "a/b/c/d/e"])
    func `what names no object is refused with the form that it should have`(object: String) throws {
        let world = try FleetWorld(topics: [])
        let process = try world.start("slipway", ["seal", object, "a", "--key", "x"], input: "/dev/null")
        #expect(try process.exitCode() == 64)
        #expect(process.output.contains("should have the form project/environment/kind/name"))
    }

    @Test func `a rotation of the key ring is written down before it begins, or not begun`() throws {
        let world = try FleetWorld(topics: [])
        try world.makeSealingKeys()
        func outcomes() throws -> [String] {
            try world.database.query("select outcome from audit where operation = 'key-ring.rotate' order by id")
                .map { try $0.string(0) }
        }
        #expect(try world.said("slipway", ["key-ring", "rotate"]).contains("0 values of 0 rows"))
        #expect(try outcomes() == ["begun", "done"])
        try world.database.script(
            """
            insert into project (project, name, created_at) values ('shop', 'shop', now());
            insert into application (project, application, artifact, registry_password, created_at)
                values ('shop', 'web', 'web', 'no ciphertext', now())
            """
        )
        #expect(try world.start("slipway", ["key-ring", "rotate"]).exitCode() == 1)
        #expect(try outcomes() == ["begun", "done", "begun", "failed"])
        try world.database.script(
            "alter table audit add constraint closed check (operation <> 'key-ring.rotate') not valid"
        )
        let process = try world.start("slipway", ["key-ring", "rotate"])
        #expect(try process.exitCode() == 1)
        #expect(process.output.contains("closed"), "\(process.output)")
    }
}
