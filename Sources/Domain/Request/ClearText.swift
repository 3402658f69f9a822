import Foundation
import Sealing
import WorkerRuntime

/// What a sender wrote in clear that should have been sealed must not stay: it is left out of what is parked and of
/// dead letters.
///
/// The request itself is refused by what its sender wrote, so that the answer names the field.
enum ClearText {
    /// What stands in its place.
    static let mark = "(in clear, left out)"

    /// What is larger is no request, and not looked into.
    static let largest = 4 << 20

    /// The requests that have confidential fields; of what is no known request, nobody knows.
    private static let kinds = ["slipway.secret.", "slipway.certificate.", "slipway.application."]
    private static let fields: Set<String> = ["privateKey", "password"]

    /// The message without what is confidential and in clear; the same one where nothing is.
    static func removed(from message: KafkaMessageView) -> KafkaMessageView {
        let type = message.header("ce_type")
        if let type, isPlain(type) { return message }
        guard let bytes = message.valueBytes, !bytes.isEmpty else { return message }
        guard bytes.count <= largest,
            let root = try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])
        else {
            // Nobody can tell what stands where, of an event whose type stands in the value, too, not even that.
            let isConfidential = kinds.contains { kind in type?.hasPrefix(kind) ?? bytes.contains(Array(kind.utf8)) }
            return isConfidential ? message.replacing(value: Array(mark.utf8)) : message
        }
        var isChanged = false
        let kept = type == nil ? structured(root, &isChanged) : data(root, &isChanged)
        guard isChanged, JSONSerialization.isValidJSONObject(kept),
            let value = try? JSONSerialization.data(withJSONObject: kept, options: [.sortedKeys])
        else { return message }
        return message.replacing(value: Array(value))
    }

    private static func isPlain(_ type: String) -> Bool {
        guard !kinds.contains(where: { type.hasPrefix($0) }) else { return false }
        let name = type.split(separator: ".").dropLast().joined(separator: ".")
        return RequestCatalog.byType[name] != nil
    }

    /// An event whose attributes stand in the value, too.
    private static func structured(_ root: Any, _ isChanged: inout Bool) -> Any {
        guard var event = root as? [String: Any], !((event["type"] as? String).map(isPlain) ?? false) else {
            return root
        }
        if let content = event["data"] { event["data"] = data(content, &isChanged) }
        if event["data_base64"] != nil {
            event["data_base64"] = mark
            isChanged = true
        }
        return event
    }

    /// The data of a request: everything under `data`, and every field that is confidential wherever it stands.
    private static func data(_ value: Any, _ isChanged: inout Bool) -> Any {
        guard var members = value as? [String: Any] else { return value }
        if let values = members["data"] { members["data"] = sealed(values, &isChanged) }
        for (name, member) in members where name != "data" { members[name] = field(name, member, &isChanged) }
        return plain(members, under: "", &isChanged)
    }

    private static func field(_ name: String, _ value: Any, _ isChanged: inout Bool) -> Any {
        if fields.contains(name) { return sealed(value, &isChanged) }
        if name == "chain", let text = value as? String, text.contains("PRIVATE KEY") {
            isChanged = true
            return mark
        }
        guard var members = value as? [String: Any] else { return value }
        for (name, member) in members { members[name] = field(name, member, &isChanged) }
        return members
    }

    /// Keeps sealed texts and the names of members, and nothing else.
    private static func sealed(_ value: Any, _ isChanged: inout Bool) -> Any {
        switch value {
        case let members as [String: Any]:
            return members.mapValues { sealed($0, &isChanged) }
        case let elements as [Any]:
            return elements.map { sealed($0, &isChanged) }
        case is NSNull:
            return value
        case let text as String where (try? SealedField.parse(text)) != nil:
            return value
        default:
            isChanged = true
            return mark
        }
    }
}
