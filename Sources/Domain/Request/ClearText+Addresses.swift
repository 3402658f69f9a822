import Foundation
import WorkerRuntime

extension ClearText {
    /// Where addresses stand that everybody may read: in requests about applications, and in release events.
    private static let addresses: Set = ["chart.repository", "chart.name", "registry.server", "subject.id"]

    /// Whether an address has a password in it, as it is or percent-encoded within another one.
    static func holdsPassword(_ text: String) -> Bool {
        ConfidentialValues.isConfidential(text: text)
            || ConfidentialValues.isConfidential(text: text.removingPercentEncoding ?? "")
    }

    /// A release event without the passwords in its addresses; the same message where there are none.
    static func removedPasswords(from message: KafkaMessageView) -> KafkaMessageView {
        guard let bytes = message.valueBytes, bytes.count <= largest,
            bytes.contains(where: { $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "%") }),
            let root = try? JSONSerialization.jsonObject(with: Data(bytes))
        else { return message }
        var isChanged = false
        let kept = plain(root, under: "", &isChanged)
        guard isChanged, let value = try? JSONSerialization.data(withJSONObject: kept, options: [.sortedKeys]) else {
            return message
        }
        return message.replacing(value: Array(value))
    }

    /// A value with the mark in place of each address that has a password in it.
    static func plain(_ value: Any, under parent: String, _ isChanged: inout Bool) -> Any {
        guard var members = value as? [String: Any] else { return value }
        for (name, member) in members {
            guard let text = member as? String else {
                members[name] = plain(member, under: name, &isChanged)
                continue
            }
            guard addresses.contains("\(parent).\(name)"), holdsPassword(text) else { continue }
            members[name] = mark
            isChanged = true
        }
        return members
    }
}
