internal import CloudEvents
import Foundation
internal import JSON
import WorkerRuntime

/// Turns messages of `deployment.requests` into requests.
///
/// What cannot be read as an event of a known type is dead-lettered. What can be answered is answered: a body that is
/// wrong becomes a rejection that names the field. What a newer worker may understand waits for one.
struct RequestDecoder {
    private let parser = JSONParser()
    private let requestKey: SigningKey
    private let callers: any CallerSource
    /// Longer keys name nothing for sure.
    private static let longestKey = 20_000

    init(requestKey: SigningKey, callers: any CallerSource) {
        self.requestKey = requestKey
        self.callers = callers
    }

    func decode(_ message: KafkaMessageView) throws(Refusal) -> RequestInput {
        do {
            let event = try CloudEvent(message, parser: parser)
            guard let key = message.key, !key.isEmpty else {
                throw Reason(
                    code: "missing_key",
                    sentence:
                        "The message has no key; it should be 'project/environment', or the project's or cluster's name.",
                    field: "key"
                )
            }
            try Self.check(key: key)
            let (operation, newer) = try knownType(event.type)
            var body = newer.map { .failure($0) } ?? body(operation, event, of: message, key: key)
            let subject =
                (try? body.get())?.subject
                ?? RequestSubject(operation.subjectKind, lastPart(event.subject))
            var caller = Caller.unknown
            var unavailable = newer
            do throws(CallerError) {
                caller = try self.caller(of: message, event)
            } catch .refused(let reason) {
                body = .failure(reason)
                unavailable = nil
            } catch .unavailable(let reason) {
                unavailable = reason
            }
            return RequestInput(
                identity: RequestIdentity(
                    source: event.source,
                    id: event.id,
                    type: event.type,
                    key: key,
                    subjectKind: subject.kind,
                    subjectName: subject.name,
                    trace: event.trace,
                    caller: caller.isVerified ? caller.recorded : nil
                ),
                caller: caller,
                unavailable: unavailable,
                kept: unavailable == nil && !caller.isVerified ? [] : callers.kept(of: message),
                body: body,
                digest: event.data.withUnsafeBytes { InboxKey.digest(type: event.type, key: key, data: $0) }
            )
        } catch let error as CloudEventError {
            throw .deadLetter(Reason(code: error.code, sentence: error.sentence, field: error.field))
        } catch let reason as Reason {
            throw .deadLetter(reason)
        } catch {
            throw .deadLetter(Reason(code: "invalid_request", sentence: "The message could not be read."))
        }
    }

    /// Refuses a key that the answer could not have, in its data and headers too: no broker would take it.
    private static func check(key: String) throws(Reason) {
        guard !key.utf8.contains(0) else {
            let sentence = "The key holds U+0000, which cannot be stored; it should be text."
            throw Reason(code: "nul_character", sentence: sentence, field: "key")
        }
        guard key.utf8.count <= longestKey else {
            throw Reason(
                code: "too_large",
                sentence:
                    "The key has \(key.utf8.count) bytes; it should be 'project/environment', or the project's or "
                    + "cluster's name.",
                field: "key"
            )
        }
    }

    /// The operation of a type, and why it cannot be read here where it is written in another version.
    private func knownType(_ text: String) throws -> (any RequestOperation.Type, newer: Reason?) {
        guard let type = EventType(text), let operation = RequestCatalog.byType[type.name] else {
            throw Reason(
                code: "unknown_type",
                sentence: "The type '\(text.prefix(80))' is not a request; requests are \(RequestCatalog.list).",
                field: "ce_type"
            )
        }
        return (operation, type.version == 1 ? nil : .unknownVersion(type))
    }

    private func body(
        _ operation: any RequestOperation.Type,
        _ event: CloudEvent,
        of message: KafkaMessageView,
        key: String
    ) -> Result<any RequestOperation, Reason> {
        do {
            guard !Self.isOutdated(event, message) else { throw Reason.tooOld }
            let body = try event.decode(operation, parser: parser).identified(source: event.source, id: event.id)
            guard body.place.key == key else {
                return .failure(
                    Reason(
                        code: "key_mismatch",
                        sentence:
                            "The message's key is '\(key.prefix(120))', but its data speaks of '\(body.place.key.prefix(120))'; both should be the same.",
                        field: "key"
                    )
                )
            }
            if !body.isDryRun { try refuseDryRun(event) }
            try body.check()
            return .success(body)
        } catch let error as CloudEventError {
            return .failure(Reason(code: error.code, sentence: error.sentence, field: error.field))
        } catch let reason as Reason {
            return .failure(reason)
        } catch {
            return .failure(Reason(code: "invalid_request", sentence: "The data could not be read."))
        }
    }

    /// Whoever asks what would happen must not have it done: only requests on instances can tell.
    private func refuseDryRun(_ event: CloudEvent) throws(Reason) {
        struct Member: Decodable { let dryRun: Bool? }
        guard event.data.contains(Array("dryRun".utf8)) else { return }
        // What is not decoded is something else than a truth value, such as the text "true".
        if let member = try? JSONDecoder().decode(Member.self, from: Data(event.data)), member.dryRun != true { return }
        throw FieldPath("dryRun").wrong(
            "given",
            should: "left out: what '\(event.type)' would do cannot be told beforehand",
            code: "no_dry_run"
        )
    }

    /// A source of the fleet's own needs the fleet's signature, so that nobody can speak as the fleet.
    private func caller(of message: KafkaMessageView, _ event: CloudEvent) throws(CallerError) -> Caller {
        guard Self.isOwn(event.source) else { return try callers.caller(of: message) }
        let signature = message.header(MessageSignature.header).flatMap(MessageSignature.init)
        guard let signature, let parts = SignedParts(.fleet, of: message), requestKey.verifies(signature, of: parts)
        else {
            let reason = Reason(
                code: "forged_source",
                sentence:
                    "'ce_source' is '\(event.source.prefix(80))', which is Slipway's own, but the fleet's signature is missing or wrong.",
                field: "ce_source"
            )
            throw .refused(reason)
        }
        return Caller(event.source, onBehalfOf: message.header("ce_onbehalfof"))
    }

    /// Whether a source is the fleet's own, which must be signed; only the fleet acts on behalf of others.
    private static func isOwn(_ source: String) -> Bool { source.hasPrefix("/slipway/") }

    /// Whether a request of the fleet's own was made longer ago than requests are remembered.
    ///
    /// Its signature does not run out as a token does: whoever has a copy could have it done once more.
    private static func isOutdated(_ event: CloudEvent, _ message: KafkaMessageView) -> Bool {
        guard isOwn(event.source), message.isBrokerTime, let made = event.time.flatMap({ RFC3339.parse($0) }) else {
            return false
        }
        return message.timestampMilliseconds - made / 1000 > InboxReach.read.components.seconds * 1000
    }

    private func lastPart(_ subject: String?) -> String {
        subject?.split(separator: "/").last.map(String.init) ?? ""
    }
}
