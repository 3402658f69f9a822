internal import CloudEvents
import Foundation
import WorkerRuntime

/// A webhook's body that a bridge put on the topic as it came: plain JSON, with the product's own headers.
///
/// GitHub and GitLab name the event in a header of theirs. Harbor does not, so its bodies travel as CloudEvents.
enum WebhookMessage {
    /// The event that such a message stands for; `nil` for every other message.
    static func event(_ message: KafkaMessageView) -> CloudEvent? {
        guard message.header("ce_specversion") == nil, message.header("ce_type") == nil,
            !message.contentTypeHeader.lowercased().hasPrefix("application/cloudevents")
        else { return nil }
        if let name = header("X-GitHub-Event", of: message) {
            return event(
                message,
                product: "github",
                name: name,
                id: header("X-GitHub-Delivery", of: message)
            )
        }
        if let name = header("X-Gitlab-Event", of: message) {
            return event(
                message,
                product: "gitlab",
                name: name,
                // The same for each try of one delivery; older versions of GitLab have only the second.
                id: header("Idempotency-Key", of: message) ?? header("X-Gitlab-Event-UUID", of: message)
            )
        }
        return nil
    }

    private static func event(_ message: KafkaMessageView, product: String, name: String, id: String?) -> CloudEvent {
        let body = message.valueBytes ?? []
        // "Release Hook" and "release" are both `release`.
        let words = name.lowercased().split(separator: " ").filter { $0 != "hook" }.joined(separator: "_")
        var event = CloudEvent(
            id: id ?? DerivedID.make("webhook", product, name, String(decoding: body, as: UTF8.self)).uuidString,
            source: "/webhooks/\(product)",
            type: "com.\(product).\(words)",
            data: body
        )
        if !message.contentTypeHeader.isEmpty { event.dataContentType = message.contentTypeHeader }
        event.trace = message.trace
        return event
    }

    /// A header as the product writes it, in lower case, or as Go writes it.
    private static func header(_ name: String, of message: KafkaMessageView) -> String? {
        let canonical = name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }
        for spelling in [name, name.lowercased(), canonical.joined(separator: "-")] {
            guard let text = message.header(spelling), !text.isEmpty, text.utf8.count <= 200 else { continue }
            // U+0000 cannot be stored, and no product writes any of the others.
            if !text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) { return text }
        }
        return nil
    }
}
