import Foundation
import Logging
import Postgres
import Sealing
import Synchronization
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// A confidential value is nowhere but encrypted in its row and sealed in messages: everything else is searched for it.
@Suite struct SecretSearchTests {
    let world: CommandWorld
    /// Everything that was published, reasons that were given, and lines that were logged.
    private let seen = Seen()
    static let values = ["correct horse battery", "staple-7f3a9c", OpenSSLFixtures.ecKey]

    /// What left the database on any way, as bytes.
    final class Seen: Sendable {
        private let texts = Mutex<[(place: String, bytes: [UInt8])]>([])
        func note(_ place: String, _ bytes: [UInt8]) { texts.withLock { $0.append((place, bytes)) } }
        var all: [(place: String, bytes: [UInt8])] { texts.withLock { $0 } }
    }

    /// A logger whose lines are kept.
    private struct Lines: LogHandler {
        let seen: Seen
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            seen.note("log", Array("\(event.message) \(event.metadata ?? [:])".utf8))
        }
    }

    init() throws {
        world = try CommandWorld.ready()
    }

    /// The forms in which a value would give itself away: as it is, escaped in JSON, in base64 at each alignment, in
    /// hexadecimal.
    static func forms(_ value: String) -> [[UInt8]] {
        let bytes = Array(value.utf8)
        var forms = [bytes, Array(value.replacing("\n", with: "\\n").utf8)]
        for skipped in 0..<3 {
            // Only whole groups: what stands before and after changes the rest.
            let body = bytes.dropFirst(skipped)
            let whole = Data(body.prefix(body.count / 3 * 3)).base64EncodedString()
            forms.append(Array(whole.utf8))
            forms.append(Array(whole.replacing("+", with: "-").replacing("/", with: "_").utf8))
        }
        forms.append(Array(bytes.map { String(format: "%02x", $0) }.joined().utf8))
        return forms
    }

    /// Reads every row of every table as text; returns how many rows there were.
    private func searchTables(_ place: String) throws -> Int {
        let tables = try world.connection.query(
            "select format('%I', table_name) from information_schema.tables where table_schema = 'public' order by 1"
        )
        #expect(tables.count > 20)
        var count = 0
        for table in tables {
            let name = try table.string(0)
            for row in try world.connection.query("select t::text from \(name) t") {
                count += 1
                // Bytes stand in the text as hexadecimal: what they hold is searched, too.
                let text = try row.string(0)
                seen.note("\(place): table \(name)", Array(text.utf8))
                for part in text.split(separator: "\\x").dropFirst() {
                    seen.note("\(place): bytes in \(name)", Self.bytes(hexadecimal: part))
                }
            }
        }
        return count
    }

    private static func bytes(hexadecimal text: Substring) -> [UInt8] {
        let digits = text.utf8.prefix { ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) }
            .map { $0 < 60 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: digits.count - digits.count % 2, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private func search() {
        for value in Self.values {
            for form in Self.forms(value) {
                for (place, bytes) in seen.all where Data(bytes).range(of: Data(form)) != nil {
                    Issue.record("a value stands in \(place)")
                }
            }
        }
    }

    /// Asks and keeps all that follows.
    private func ask(_ type: String, _ members: String, expecting code: String? = nil) throws {
        let outcome = try world.ask(type, members)
        if case .rejected(let reason) = outcome {
            #expect(reason.code == code)
            seen.note("reason", Array("\(reason) \(reason.field ?? "")".utf8))
        } else {
            #expect(code == nil && outcome == .applied, "\(outcome)")
        }
        _ = try searchTables(type)
        for message in try world.published() {
            seen.note("message of \(message.topic)", message.value)
            seen.note("headers of \(message.topic)", Array("\(message.key) \(message.headers)".utf8))
        }
    }

    private func secret(_ value: String, _ key: String = "password", _ more: String = "") throws -> String {
        let sealed = try CommandWorld.sealed(value, "db", key)
        return #""secret":"db","data":{"\#(key)":"\#(sealed)"}\#(more)"#
    }

    @Test func `the search finds a value that is not hidden, in every form`() throws {
        for form in Self.forms(Self.values[0]) {
            #expect(Data(Array("before ".utf8) + form + Array(" after".utf8)).range(of: Data(form)) != nil)
        }
        let bytes = Array("x\(Self.values[0])".utf8)
        let encoded = Data(bytes).base64EncodedString()
        #expect(Self.forms(Self.values[0]).contains { Data(encoded.utf8).range(of: Data($0)) != nil })
        try world.connection.query(
            "insert into inbox (id, digest, answer, seen_at) values (gen_random_uuid(), '\\x00', $1, now())",
            [.bytes(bytes)]
        )
        #expect(try searchTables("here") > 5)
        let places = Set(seen.all.filter { Data($0.bytes).range(of: Data(Self.values[0].utf8)) != nil }.map(\.place))
        #expect(places == ["here: bytes in inbox"])
    }

    @Test func `a secret and a private key are found nowhere, whatever becomes of their requests`() throws {
        let values = Self.values
        try ask("secret.create", secret(values[0]))
        try world.applied()
        try ask("secret.update", secret(values[1], "token"))
        try ask("secret.update", secret(values[1], "token"), expecting: "no_change")
        try world.report("failed", of: try world.lastCommand(), #""code":"forbidden","message":"No.""#)
        try ask("secret.update", secret(values[0], "token"))
        // In clear, in another type, for another place, with a mistake beside it.
        try ask("secret.update", #""secret":"db","data":{"password":"\#(values[0])"}"#, expecting: "not_sealed")
        try ask("secret.create", #""secret":"x","data":["\#(values[0])"]"#, expecting: "wrong_type")
        let elsewhere = try CommandWorld.sealed(values[0], "db", "password", environment: "live")
        try ask(
            "secret.update",
            #""secret":"db","data":{"password":"\#(elsewhere)"}"#,
            expecting: "sealed_does_not_open"
        )
        try ask("secret.update", secret(values[0], "token", #","remove":["token"]"#), expecting: "contradiction")
        let chain = OpenSSLFixtures.ecCertificate.replacing("\n", with: "\\n")
        let key = try CommandWorld.sealed(values[2], "own", "privateKey", kind: "certificate")
        try ask("certificate.upload", #""certificate":"own","chain":"\#(chain)","privateKey":"\#(key)""#)
        let other = OpenSSLFixtures.rsaCertificate.replacing("\n", with: "\\n")
        let wrong = try CommandWorld.sealed(values[2], "other", "privateKey", kind: "certificate")
        try ask(
            "certificate.upload",
            #""certificate":"other","chain":"\#(other)","privateKey":"\#(wrong)""#,
            expecting: "key_does_not_fit"
        )
        let clear = values[2].replacing("\n", with: "\\n")
        try ask(
            "certificate.upload",
            #""certificate":"own","chain":"\#(chain)","privateKey":"\#(clear)""#,
            expecting: "not_sealed"
        )
        try ask(
            "certificate.upload",
            #""certificate":"own","chain":"\#(clear)","privateKey":"\#(key)""#,
            expecting: "private_key_in_clear"
        )
        try setAside()
        try sayHello()
        try ask("secret.delete", #""secret":"db""#)
        try world.applied()
        #expect(try searchTables("in the end") > 50)
        seen.note("metrics", Array(PrometheusRegistry.shared.text().utf8))
        #expect(seen.all.count > 1000)
        search()
    }

    /// Requests that fail again and again are parked, then dead-lettered: still sealed, and without what was in clear.
    private func setAside() throws {
        let clear = #""secret":"db","data":{"password":"\#(Self.values[0])"}"#
        let requests = [
            ("secret.update", try secret(Self.values[0])), ("secret.update", clear),
            ("slipway.secret.update.v9", clear),
            ("slipway.unknown.verb.v1", clear),
        ]
        let reason = Reason(code: "internal_error", sentence: "It could not be handled.")
        let queue = ParkedQueue(group: "deployment-worker", topic: "deployment.requests")
        let handler = CommandWorld.requests(world.fleetKey)
        try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
            let outbox = OutboxBuffer()
            for (number, request) in requests.enumerated() {
                let body = CommandWorld.body(request.1)
                let message = world.message(request.0, key: "shop/staging", body)
                let kept = handler.keepable(message)
                if number == 0 {
                    try queue.open(kept, keeping: [], reason: reason, delay: 1000, in: transaction)
                } else {
                    try queue.append(kept, keeping: [], in: transaction)
                }
                outbox.append(DeadLetter(kept, reason: reason, group: "deployment-worker").record)
                guard number < 2 else { continue }
                let entry = Entry(try handler.decode(message), message: kept)
                #expect(handler.setAside(entry, because: .deadLettered(reason), outbox: outbox, now: 1))
            }
            try OutboxWriter.write(outbox, in: transaction)
        }
        #expect(try searchTables("set aside") > 50)
        #expect(seen.all.contains { $0.place.hasSuffix("table parked_message") })
        let messages = try world.published()
        #expect(messages.filter { $0.topic == "deployment.requests.dlt" }.count == requests.count)
        for message in messages { seen.note("message of \(message.topic)", message.value) }
    }

    /// Open commands are sent again, by a worker that can decrypt them and by one that cannot.
    private func sayHello() throws {
        let strange = NSTemporaryDirectory() + "key-ring-\(UUID().uuidString)"
        try KeyRing.addKey(named: "strange", to: strange)
        for (number, ring) in [CommandWorld.keyRing, try KeyRing.load(strange)].enumerated() {
            let hello = world.status(
                "hello",
                #"{"boot":"0b000000-0000-4000-8000-00000000000\#(number + 5)","clusterUID":"uid-1","agentVersion":"1"}"#,
                epoch: 0,
                sequence: 1
            )
            let logger = Logger(label: "search") { [seen] _ in Lines(seen: seen) }
            let handler = AgentStatusHandler(fleetKey: world.fleetKey, keyRing: ring, logger: logger)
            let outcomes = try world.connection.transaction { (transaction: borrowing PostgresTransaction) in
                try CommandWorld.run(handler, [hello], in: transaction)
            }
            #expect(outcomes == [.applied])
            let messages = try world.published()
            #expect(messages.filter { $0.name == "objects_requested" }.count == (number == 0 ? 2 : 0))
            for message in messages { seen.note("message of \(message.topic)", message.value) }
        }
        let logged = seen.all.filter { $0.place == "log" }.map { String(decoding: $0.bytes, as: UTF8.self) }
        #expect(logged.contains { $0.contains("cannot_decrypt") })
    }
}
