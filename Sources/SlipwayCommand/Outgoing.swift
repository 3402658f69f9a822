import ArgumentParser
import CloudEvents
import Domain
import Foundation
import Identity
import Kafka

/// A message that the command line sends, made of flags or a file.
struct Outgoing {
    let topic: String
    let key: String
    let type: String
    let source: String
    let id: String
    let data: [UInt8]
    /// Proves who sends a request; release events need none.
    var token: String?
    var isRequest: Bool { topic == "deployment.requests" }
    /// Whom its answers name if the token is good.
    var caller: String? { token.flatMap(TokenSubject.claimed(by:)) }

    init(what: String, set: [String], file: String?, purl: String?, source: String, id: String) throws {
        guard !source.isEmpty, !id.isEmpty else {
            throw ValidationError("'--source' and '--id' should not be empty.")
        }
        if purl != nil { try Self.requireAlone(what, set: set, file: file) }
        self.source = source
        self.id = id
        var fields = try Self.fields(set, file: file)
        switch what {
        case "artifact.published", "artifact.packaged":
            type = "dev.cdevents.\(what).0.3.0"
            topic = "release.events"
            if let purl { fields = Self.event(type: type, purl: purl, source: source, id: id) }
            let subject = (fields["subject"] as? [String: Any])?["id"] as? String
            guard let subject else {
                throw ValidationError("'--purl' or '--file' should name the artifact.")
            }
            key = Self.artifact(of: subject)
        case "release.published":
            type = "slipway.release.published.v1"
            topic = "release.events"
            key = fields["artifact"] as? String ?? ""
        default:
            guard RequestCatalog.names.contains(what) else { throw Self.unknown(what) }
            type = "slipway.\(what).v1"
            topic = "deployment.requests"
            key = Self.requestKey(what, fields)
        }
        guard !key.isEmpty else {
            let name = what.hasPrefix("cluster") ? "cluster" : topic == "release.events" ? "artifact" : "project"
            throw ValidationError("'--set \(name)=…' is missing: '\(what)' should say what it is about.")
        }
        data = Array(
            try JSONSerialization.data(withJSONObject: fields, options: [.sortedKeys, .withoutEscapingSlashes])
        )
    }

    /// Refuses what a package URL would take the place of, or would be passed over beside.
    private static func requireAlone(_ what: String, set: [String], file: String?) throws {
        guard ["artifact.published", "artifact.packaged"].contains(what) else {
            throw ValidationError(
                "'--purl' is for artifact.published and artifact.packaged; '\(what)' has no package URL."
            )
        }
        guard set.isEmpty, file == nil else {
            throw ValidationError(
                "'--purl' makes the whole event: give it alone, or a '--file' with the package URL as its subject.id."
            )
        }
    }

    /// The name in a package URL, whatever its version looks like; of what is none, the last part of its path.
    private static func artifact(of subject: String) -> String {
        if let url = PackageURL(subject) { return url.name }
        let name = subject.split(separator: "?").first?.split(separator: "/").last?.split(separator: "@").first
        return name.map(String.init) ?? subject
    }

    private static func unknown(_ what: String) -> ValidationError {
        let concept = what.prefix { $0 != "." }
        let known = RequestCatalog.names + ["release.published", "artifact.published", "artifact.packaged"]
        let near = known.filter { $0.hasPrefix(concept + ".") }
        let said = (near.isEmpty ? known : near).sorted().joined(separator: ", ")
        return ValidationError("There is no request '\(what)'; it should be one of \(said).")
    }

    /// A request with its data at hand.
    init(what: String, fields: [String: Any], source: String, id: String) throws {
        self.source = source
        self.id = id
        type = "slipway.\(what).v1"
        topic = "deployment.requests"
        key = Self.requestKey(what, fields)
        data = Array(
            try JSONSerialization.data(withJSONObject: fields, options: [.sortedKeys, .withoutEscapingSlashes])
        )
    }

    private static func requestKey(_ what: String, _ fields: [String: Any]) -> String {
        func text(_ name: String) -> String { fields[name] as? String ?? "" }
        switch what.prefix(while: { $0 != "." }) {
        case "project", "application", "environment-group": return text("project")
        case "cluster": return text("cluster")
        default: return text("project") + "/" + text("environment")
        }
    }

    private static func fields(_ set: [String], file: String?) throws -> [String: Any] {
        var fields: [String: Any] = [:]
        if let file {
            let data: Data
            do {
                data = try Data(contentsOf: URL(filePath: file))
            } catch {
                throw ValidationError("'--file' is '\(file)', which cannot be read.")
            }
            guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                throw ValidationError("'\(file)' should hold one JSON object.")
            }
            fields = object
        }
        for pair in set {
            guard let equals = pair.firstIndex(of: "="), equals > pair.startIndex else {
                throw ValidationError("'--set \(pair)' should have the form name=value.")
            }
            let given = String(pair[pair.index(after: equals)...])
            let name = String(pair[..<equals])
            if name.hasSuffix(":") {
                fields[String(name.dropLast())] = try json(given, of: pair)
                continue
            }
            // JSON has escapes of its own; a text's lines are told apart here.
            let value = given.replacingOccurrences(of: "\\n", with: "\n")
            fields[name] = name.hasSuffix("Seconds") ? Int(value) ?? value : value
        }
        return fields
    }

    /// A value that is no text, such as a list or a truth value.
    private static func json(_ text: String, of pair: String) throws -> Any {
        do {
            return try JSONSerialization.jsonObject(with: Data(text.utf8), options: [.fragmentsAllowed])
        } catch {
            throw ValidationError("'--set \(pair)' should have JSON after ':=', such as users:='[\"ann\"]'.")
        }
    }

    /// A CDEvent of spec 0.5.1.
    static func event(type: String, purl: String, source: String, id: String) -> [String: Any] {
        [
            "context": [
                "specversion": "0.5.1", "id": id, "source": source, "type": type,
                "timestamp": RFC3339.format(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000)),
            ],
            "subject": ["id": purl, "source": source, "content": [String: String]()],
        ]
    }

    private var authorization: [KafkaHeader] {
        isRequest ? token.map { [KafkaHeader("authorization", "Bearer \($0)")] } ?? [] : []
    }

    var record: (String) -> KafkaRecord {
        { prefix in
            KafkaRecord(
                topic: prefix + topic,
                key: Array(key.utf8),
                value: data,
                headers: [
                    KafkaHeader("ce_specversion", "1.0"), KafkaHeader("ce_id", id), KafkaHeader("ce_source", source),
                    KafkaHeader("ce_type", type), KafkaHeader("content-type", "application/json"),
                ] + authorization
            )
        }
    }
}

/// Sends messages and waits for the broker's word.
final class MessageSender {
    private let producer: KafkaProducer
    private let prefix: String

    init(_ kafka: KafkaSettings, prefix: String) throws {
        producer = try KafkaProducer(kafka)
        self.prefix = prefix
    }

    func send(_ outgoing: Outgoing) throws {
        try producer.send(outgoing.record(prefix), tag: 0)
        let deliveries = try producer.flush(timeout: .seconds(30))
        for delivery in deliveries {
            if let error = delivery.error { throw error }
        }
    }

    func close() {
        producer.close()
    }
}
