internal import CloudEvents
import Glibc
internal import JSON
import WorkerRuntime

/// The types of `resource.changes`.
enum ResourceEventType {
    case changed
    case gone
    case snapshotEnded

    /// The type of a header's bytes, found without making a text of them; `nil` for any other.
    init?(bytes: UnsafeRawBufferPointer) {
        if Self.isSame(bytes, "slipway.resource.changed.v1") {
            self = .changed
        } else if Self.isSame(bytes, "slipway.resource.gone.v1") {
            self = .gone
        } else if Self.isSame(bytes, "slipway.resource.snapshot_ended.v1") {
            self = .snapshotEnded
        } else {
            return nil
        }
    }

    private static func isSame(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
        return memcmp(base, text.utf8Start, bytes.count) == 0
    }
}

/// Turns messages of `resource.changes` into facts: the hot path, so it reads bytes once and makes few strings.
///
/// One a lane; the parser's buffers are used again for each message.
final class ResourceDecoder {
    private let verifier: any SignatureVerifier
    private let parser = JSONParser()
    /// A key is taken apart once, as long as it comes again.
    private let streams = RecentValues<StreamID>(places: 4096, longest: 512)
    /// Kinds, versions and instances, of which there are few.
    private let texts = RecentValues<String>(places: 1024, longest: 64)

    init(verifier: any SignatureVerifier) {
        self.verifier = verifier
    }

    /// Reads one message.
    ///
    /// - Throws: A refusal if its sender, its place in the stream or its type cannot be trusted or read. What is wrong
    ///   inside a body from a known sender is no refusal but a fact of its own, so that the stream stays unbroken.
    func decode(_ message: KafkaMessageView) throws(Refusal) -> ResourceMessage {
        let stream = try stream(of: message)
        let keyID: Int32
        do {
            keyID = try verifier.verify(message, from: stream.cluster)
        } catch {
            throw .deadLetter(error)
        }
        let position = StreamPosition(
            epoch: try Self.number("ce_epoch", in: message),
            sequence: try Self.number("ce_sequence", in: message)
        )
        let fact = try fact(of: message, in: stream)
        return ResourceMessage(stream: stream, position: position, keyID: keyID, fact: fact)
    }

    private func stream(of message: KafkaMessageView) throws(Refusal) -> StreamID {
        let stream = message.withKey { bytes in
            streams.value(of: bytes) { String(validating: $0, as: UTF8.self).flatMap(StreamID.init(key:)) }
        }
        if let stream = stream ?? nil { return stream }
        guard let key = message.key else {
            throw .invalid("key", "The key is missing; it should be cluster/namespace.")
        }
        throw .invalid("key", "The key is '\(key.prefix(80))'; it should be cluster/namespace.")
    }

    private static func number(_ name: StaticString, in message: KafkaMessageView) throws(Refusal) -> Int64 {
        if let number = message.withHeader(name, DecimalDigits.number) ?? nil { return number }
        let header = name.description
        guard let text = message.header(header) else {
            throw .invalid(header, "The header '\(header)' is missing; it should be a number from 1.")
        }
        throw .invalid(header, "The header '\(header)' is '\(text.prefix(40))'; it should be a number from 1.")
    }

    private func fact(of message: KafkaMessageView, in stream: StreamID) throws(Refusal) -> ResourceFact {
        guard let type = message.withHeader("ce_type", ResourceEventType.init(bytes:)) ?? nil else {
            guard let type = message.header("ce_type") else {
                throw .invalid("ce_type", "The header 'ce_type' is missing; agents write CloudEvents in binary mode.")
            }
            throw .deadLetter(
                Reason(
                    code: "unknown_type",
                    sentence:
                        "The type '\(type.prefix(80))' is not one that this version of the resource worker reads.",
                    field: "ce_type"
                )
            )
        }
        let instance = type == .changed ? instance(of: message) : nil
        return read(message, as: type, instance: instance, in: stream)
    }

    private func instance(of message: KafkaMessageView) -> String? {
        message.withHeader("ce_instance") { bytes in
            texts.value(of: bytes) { String(validating: $0, as: UTF8.self) }
        } ?? nil
    }

    /// Parses the value and reads the fact; a fault becomes a fact that names it.
    private func read(
        _ message: KafkaMessageView,
        as type: ResourceEventType,
        instance: String?,
        in stream: StreamID
    ) -> ResourceFact {
        let fact = message.withValue { bytes -> ResourceFact in
            do {
                return try parser.withDocument(bytes) { root in
                    let reader = ResourceReader(root, texts)
                    do throws(Reason) {
                        guard !parser.hasBackslash || !StorableJSON.hasForbiddenEscape(bytes) else {
                            throw Self.forbiddenEscape
                        }
                        return try reader.fact(type, in: stream, instance: instance)
                    } catch {
                        return .unreadable(reader.id(in: stream), error)
                    }
                }
            } catch let error as JSONError {
                return .unreadable(nil, Reason(code: error.code.snakeCase, sentence: error.sentence, field: "data"))
            } catch {
                return .unreadable(nil, Reason(code: "not_json", sentence: "The value is not JSON.", field: "data"))
            }
        }
        let missing = Reason(code: "empty", sentence: "There is no value; it should be a JSON object.", field: "data")
        return fact ?? .unreadable(nil, missing)
    }

    private static let forbiddenEscape = Reason(
        code: "nul_character",
        sentence: "A text of the object holds U+0000 or half of a surrogate pair, which cannot be stored.",
        field: "data"
    )
}

extension Refusal {
    /// A field of the message around the body that is missing or wrong.
    fileprivate static func invalid(_ field: String, _ sentence: String) -> Refusal {
        .deadLetter(Reason(code: "invalid_message", sentence: sentence, field: field))
    }
}
