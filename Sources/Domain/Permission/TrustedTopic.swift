import Foundation
public import WorkerRuntime

/// A topic of requests whose senders need no token, because the broker lets only trusted programs write to it.
///
/// Consumers are not told which Kafka principal has sent a message, so the boundary is the topic: give it an ACL that
/// allows WRITE to one principal alone. What callers may do is the same as with a token.
public struct TrustedTopic: Sendable, Hashable {
    /// The header that names the caller.
    public static let header = "slipway-caller"

    /// The topic without the fleet's prefix.
    public let name: String
    /// The only caller that the topic speaks for; `nil` where each message names its own.
    public let caller: String?

    /// Makes a topic.
    public init(_ name: String, caller: String? = nil) {
        self.name = name
        self.caller = caller
    }

    /// Reads `SLIPWAY_TRUSTED_REQUEST_TOPICS`: topics separated by commas, each `topic` or `topic:caller`.
    ///
    /// - Throws: ``StartError`` that names the part which cannot be.
    public static func all(_ settings: Settings) throws(StartError) -> [TrustedTopic] {
        var topics: [TrustedTopic] = []
        for part in (settings.text("TRUSTED_REQUEST_TOPICS") ?? "").split(separator: ",") {
            let pieces = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            let name = pieces[0]
            guard !name.isEmpty, name.utf8.count <= 200, name.utf8.allSatisfy(isAllowed) else {
                throw StartError(
                    "SLIPWAY_TRUSTED_REQUEST_TOPICS: '\(part)' should be 'topic' or 'topic:caller', the topic without the prefix."
                )
            }
            guard name != "deployment.requests", !topics.contains(where: { $0.name == name }) else {
                throw StartError(
                    "SLIPWAY_TRUSTED_REQUEST_TOPICS: '\(name)' should be a topic of its own, named once; only trusted programs may write to it."
                )
            }
            let caller = pieces.count > 1 ? pieces[1] : nil
            if caller?.isEmpty == true {
                throw StartError("SLIPWAY_TRUSTED_REQUEST_TOPICS: '\(part)' names no caller after the colon.")
            }
            topics.append(TrustedTopic(name, caller: caller))
        }
        return topics
    }

    /// What Kafka allows in the names of topics.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// Tells who sent a request on a trusted topic.
public struct TrustedCallers: CallerSource {
    private let topic: TrustedTopic
    private static let kept = "caller"

    /// Makes it for one topic.
    public init(_ topic: TrustedTopic) {
        self.topic = topic
    }

    /// The topic's own caller, or the one that the message names.
    public func caller(of message: KafkaMessageView) throws(CallerError) -> Caller {
        if let caller = message.kept(Self.kept) { return Caller(caller) }
        let named = message.header(TrustedTopic.header)
        if let caller = topic.caller {
            guard named == nil || named == caller else {
                throw refusal(
                    "caller_mismatch",
                    "'\(topic.name)' speaks for one caller only, not for the one it names."
                )
            }
            return Caller(caller)
        }
        guard let named, Self.isName(named) else {
            throw refusal(
                "caller_missing",
                "On '\(topic.name)' the header '\(TrustedTopic.header)' should name who asks, in 1 to 200 bytes without "
                    + "control characters."
            )
        }
        return Caller(named)
    }

    /// Whether a text may name a caller: what the database cannot hold would keep the request's key waiting.
    private static func isName(_ text: String) -> Bool {
        (1...200).contains(text.utf8.count) && !text.hasPrefix("/slipway/")
            && !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }

    /// Who it was, so that nobody need tell again.
    public func kept(of message: KafkaMessageView) -> [(String, String)] {
        guard let caller = try? caller(of: message) else { return [] }
        return [(KafkaMessageView.keptPrefix + Self.kept, caller.name)]
    }

    private func refusal(_ code: String, _ sentence: String) -> CallerError {
        .refused(Reason(code: code, sentence: sentence, field: TrustedTopic.header))
    }
}
