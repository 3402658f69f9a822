import Foundation
import Postgres
import TestSupport
import Testing

/// `slipway doctor` says what is not as it should be.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct DoctorTests {
    private struct Finding: Decodable {
        let what: String
        let verdict: String
        let says: String
    }

    private func doctor(_ world: FleetWorld, _ more: [String: String] = [:]) throws -> (
        code: Int32, findings: [Finding]
    ) {
        let process = try world.start("slipway", ["doctor", "--json", "--partitions", "2"], more)
        let code = try process.exitCode()
        let json = process.output.drop { $0 != "[" }
        return (code, try JSONDecoder().decode([Finding].self, from: Data(json.utf8)))
    }

    @Test func `what is missing or wrong is named, each in a sentence`() throws {
        let world = try FleetWorld(topics: ["deployment.requests"])
        let (code, findings) = try doctor(world, ["SLIPWAY_KEY_RING": "/nowhere", "SLIPWAY_FLEET_KEY": "no key"])
        #expect(code == 1)
        let wrong = findings.filter { $0.verdict == "wrong" }
        #expect(wrong.contains { $0.what == "topics" && $0.says.contains("slipway.instance.status is missing") })
        #expect(!wrong.contains { $0.says.contains("slipway.deployment.requests ") })
        #expect(wrong.contains { $0.what == "key ring" } && wrong.contains { $0.what == "fleet key" })
        let warnings = findings.filter { $0.verdict == "warning" }
        #expect(warnings.contains { $0.what == "sealing keys" && $0.says.contains("SLIPWAY_SEALING_KEYS is not set") })
        #expect(warnings.contains { $0.what == "workers" && $0.says.contains("deployment-worker") })
        #expect(warnings.contains { $0.what == "topics" }, "the mock cluster tells no properties")
        #expect(findings.contains { $0.what == "clock" && $0.verdict == "right" })
        #expect(findings.contains { $0.what == "schema" && $0.verdict == "right" })
    }

    @Test func `a database that was not migrated, and a broker that is away, are findings`() throws {
        let world = try FleetWorld(topics: [])
        try world.database.script("delete from schema_migration where name = (select max(name) from schema_migration)")
        let port = try WebPage.freePort()
        let (code, findings) = try doctor(world, ["SLIPWAY_KAFKA_BROKERS": "127.0.0.1:\(port)"])
        #expect(code == 1)
        #expect(findings.contains { $0.what == "schema" && $0.says.contains("run 'slipway migrate'") })
        #expect(findings.contains { $0.what == "broker" && $0.verdict == "wrong" })
        let away = try doctor(world, ["SLIPWAY_DATABASE_URL": "postgresql://127.0.0.1:\(port)/none"])
        #expect(away.findings.contains { $0.what == "database" && $0.verdict == "wrong" })
    }

    @Test func `who may not see other roles' transactions is told so, and which right is missing`() throws {
        let world = try FleetWorld(topics: [])
        #expect(try doctor(world).findings.contains { $0.what == "transactions" && $0.verdict == "right" })
        let role = "watcher_\(getpid())"
        try world.database.script("create role \(role) login password 'watch'; grant pg_read_all_data to \(role)")
        defer { try? world.database.script("drop role \(role)") }
        var url = try #require(URLComponents(string: world.environment["SLIPWAY_DATABASE_URL"] ?? ""))
        (url.user, url.password) = (role, "watch")
        let findings = try doctor(world, ["SLIPWAY_DATABASE_URL": try #require(url.string)]).findings
        let found = try #require(findings.first { $0.what == "transactions" })
        #expect(found.verdict == "warning")
        #expect(found.says.contains("grant pg_read_all_stats to \(role)"), "\(found.says)")
    }

    @Test func `clocks that are wrong are named, with whose they are`() throws {
        let world = try FleetWorld(topics: [])
        func clocks() throws -> [Finding] { try doctor(world).findings.filter { $0.what == "clocks" } }
        #expect(try clocks().map(\.verdict) == ["right"])
        try world.database.script(
            """
            insert into worker (id, name, host, pid, version, seen_at, clock_ahead_us, clock_unsure_us)
            select gen_random_uuid(), name, 'h', pid, 1, now() + seen * interval '1 hour', ahead, unsure
            from (values ('release-worker', 1, 1, 900000, 0), ('timekeeper', 2, 1, 1500000, 100000),
                ('outbox-relay', 3, 1, 1500000, 600000), ('agent-worker', 4, 1, -90000000, 100),
                ('resource-worker', 5, -1, 90000000, 100)) one(name, pid, seen, ahead, unsure);
            insert into cluster (cluster, name, state, created_at, clock_ahead_us, last_seen)
            values ('east', 'e', 'connected', now(), 61000000, now()), ('south', 's', 'connected', now(), -2000000, now()),
                ('away', 'a', 'lost', now(), 90000000, now() + interval '90 seconds')
            """
        )
        let found = try clocks()
        #expect(
            found.map { "\($0.verdict): \($0.says)" }.dropLast() == [
                "wrong: that of agent-worker (process 4 on h) is 90.0 s behind the database's",
                "warning: that of timekeeper (process 2 on h) is 1.5 s ahead of the database's",
                "wrong: that of the agent of east is 61.0 s ahead of the database's",
                "warning: that of the agent of south is 2.0 s behind the database's, unless all that it says comes late",
            ]
        )
        #expect(
            found.last?.says.hasPrefix("that of a broker is 8") == true || found.last?.says.contains("is 90") == true
        )
        #expect(found.last?.verdict == "wrong")
    }

    @Test func `settings that lose, slow down or fill up are named`() throws {
        let world = try FleetWorld(topics: [])
        let url = try #require(URL(string: world.environment["SLIPWAY_DATABASE_URL"] ?? ""))
        func texts(_ name: String, _ options: String) throws -> Finding? {
            try world.database.script("create database \(name) template template0 \(options)")
            let other = url.deletingLastPathComponent().appending(path: name).absoluteString
            return try doctor(world, ["SLIPWAY_DATABASE_URL": other]).findings.first { $0.what == "texts" }
        }
        let own = try doctor(world).findings
        #expect(own.contains { $0.what == "texts" && $0.verdict == "right" })
        #expect(own.contains { $0.what == "autovacuum" && $0.verdict == "right" })
        // The tests' server is one that may lose what was committed.
        #expect(own.contains { $0.what == "durability" && $0.verdict == "wrong" && $0.says.hasPrefix("fsync=off") })
        let bytes = try texts("bytes_\(getpid())", "encoding 'SQL_ASCII' locale 'C'")
        #expect(bytes?.verdict == "wrong" && bytes?.says.contains("SQL_ASCII") == true)
        let english = try texts("english_\(getpid())", "encoding 'UTF8' locale_provider icu icu_locale 'en-US'")
        #expect(english?.verdict == "warning" && english?.says.contains("locale 'C'") == true)
    }
}
