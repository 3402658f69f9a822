import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// What is confidential goes in through the front of the real fleet, and everything that the fleet writes is searched.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct SecretSearchFleetTests {
    private static let secret = "correct-horse-battery-staple"
    private static let clear = "sent-in-clear-hunter2-4711"
    private static let topics = EndToEndTests.topics + ["object.status"]
    private static let workers = [
        "release-worker", "deployment-worker", "agent-worker", "resource-worker", "outbox-relay", "timekeeper",
    ]

    /// The forms in which a value gives itself away.
    private static func forms(_ value: String) -> [String] {
        let bytes = Array(value.utf8)
        let base64 = (0..<3).map { skipped -> String in
            let rest = bytes.dropFirst(skipped)
            return Data(rest.prefix(rest.count / 3 * 3)).base64EncodedString()
        }
        return [value, bytes.map { String(format: "%02x", $0) }.joined()] + base64
            + base64.map { $0.replacing("+", with: "-").replacing("/", with: "_") }
    }

    /// Starts the fleet with its pages open, a cluster and an environment; returns the ports of the pages.
    private func start(_ world: FleetWorld) throws -> [Int] {
        try world.makeSealingKeys()
        let ports = try Self.workers.map { worker in
            let port = try WebPage.freePort()
            _ = try world.start(worker, [], ["SLIPWAY_HTTP_PORT": "\(port)", "SLIPWAY_LOG_LEVEL": "trace"])
            return port
        }
        try world.request("project.create", key: "shop", id: "p", #"{"project":"shop"}"#)
        try world.request("cluster.register", key: "test", id: "c", #"{"cluster":"test"}"#)
        try wait("the project", world, "select count(*) from project", 1)
        try wait("the cluster", world, "select count(*) from cluster", 1)
        let key = try FleetKeys.clusterKey("test", environment: world.environment)
        let agent = try WebPage.freePort()
        _ = try world.start(
            "cluster-agent",
            ["--simulate", "--without-helm", "--cluster", "test", "--speed", "4", "--http-port", "\(agent)"],
            ["SLIPWAY_AGENT_KEY": key, "SLIPWAY_LOG_LEVEL": "trace"]
        )
        try wait("the agent", world, "select count(*) from cluster where state = 'connected'", 1)
        let place = #""project":"shop","environment":"staging""#
        try world.request("environment.create", key: "shop/staging", id: "e", "{\(place),\"cluster\":\"test\"}")
        try wait("an environment", world, "select count(*) from environment where state = 'active'", 1)
        return ports + [agent]
    }

    private func wait(_ what: String, _ world: FleetWorld, _ sql: String, _ number: Int64) throws {
        _ = try eventually(what, within: .seconds(60)) { try world.number(sql) == number ? true : nil }
    }

    /// Everything that was written: rows, messages with their headers, log lines, and pages, by where it stands.
    private func everything(_ world: FleetWorld, _ ports: [Int]) throws -> [(place: String, text: String)] {
        var found: [(String, String)] = []
        let tables = try world.database.query(
            "select format('%I', table_name) from information_schema.tables where table_schema = 'public'"
        ).map { try $0.string(0) }
        for table in tables {
            for row in try world.database.query("select t::text from \(table) t") {
                found.append(("the table \(table)", try row.string(0)))
            }
        }
        for topic in Self.topics where topic != "deployment.requests" {
            for message in try world.messages(on: topic) {
                let headers = message.headers.map {
                    "\($0.name)=\(String(decoding: $0.value ?? [], as: UTF8.self))"
                }
                found.append(("the topic \(topic)", String(decoding: message.valueBytes ?? [], as: UTF8.self)))
                found.append(("the headers of \(topic)", headers.joined(separator: " ")))
            }
        }
        for file in try FileManager.default.contentsOfDirectory(atPath: world.folder) where file.hasSuffix(".log") {
            let bytes = FileManager.default.contents(atPath: "\(world.folder)/\(file)") ?? Data()
            found.append(("the log \(file)", String(decoding: bytes, as: UTF8.self)))
        }
        for port in ports { found.append(("the page of port \(port)", try WebPage.get(port: port, "/metrics").body)) }
        return found
    }

    @Test func `a secret is found only encrypted: not in the database, topics, logs, metrics or reasons`() throws {
        let world = try FleetWorld(topics: Self.topics)
        let ports = try start(world)
        let place = #""project":"shop","environment":"staging""#
        let password = try world.seal(Self.secret, for: "shop/staging/secret/keys", "password")
        try world.request(
            "secret.create",
            key: "shop/staging",
            id: "s",
            #"{\#(place),"secret":"keys","type":"Opaque","data":{"password":"\#(password)"}}"#
        )
        try wait(
            "the secret",
            world,
            "select count(*) from command where state = 'succeeded' and operation like 'secret%'",
            1
        )
        // In clear, where it should have been sealed; and in a message that is no request at all.
        try world.request(
            "secret.create",
            key: "shop/staging",
            id: "clear",
            #"{\#(place),"secret":"other","type":"Opaque","data":{"password":"\#(Self.clear)"}}"#
        )
        try world.request(
            "secret.create",
            key: "shop/staging",
            id: "wrong-field",
            #"{\#(place),"secret":"third","type":"Opaque","data":{"password":"\#(password)"}}"#
        )
        try wait("both refused", world, "select count(*) from audit where outcome = 'rejected'", 2)
        try wait("an empty outbox", world, "select count(*) from outbox", 0)
        let all = try everything(world, ports)
        #expect(all.count > 100)
        #expect(all.contains { $0.place.hasPrefix("the log") && $0.text.contains("secret") })
        for (name, value) in [("secret", Self.secret), ("clear", Self.clear), ("token", world.token)] {
            for form in Self.forms(value) {
                for (place, text) in all where text.contains(form) {
                    Issue.record("the \(name) stands in \(place)")
                }
            }
        }
        // Encrypted it is there, so that the search had something to find.
        #expect(try world.number("select count(*) from environment_object where confidential::text <> '{}'") == 1)
    }
}
