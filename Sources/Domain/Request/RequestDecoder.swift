internal import CloudEvents
import Foundation
internal import JSON
import WorkerRuntime

/// Turns messages of `deployment.requests` into requests.
///
/// What cannot be read as an event of a known type is dead-lettered. What can be answered is answered: a body that is
/// wrong becomes a rejection that names the field.
struct RequestDecoder {
    private let parser = JSONParser()
    private let requestKey: SigningKey

    init(requestKey: SigningKey) {
        self.requestKey = requestKey
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
            let known = try knownType(event.type)
            let body = body(known, event, key: key)
            let subject =
                (try? body.get())?.subject ?? (String(known.split(separator: ".")[1]), lastPart(event.subject))
            return RequestInput(
                identity: RequestIdentity(
                    source: event.source,
                    id: event.id,
                    type: event.type,
                    key: key,
                    subjectKind: subject.0,
                    subjectName: subject.1,
                    traceparent: event.traceparent
                ),
                caller: Caller(
                    name: event.source,
                    onBehalfOf: Self.isOwn(event.source) ? message.header("ce_onbehalfof") : nil
                ),
                body: checked(body, event, message),
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

    private func knownType(_ text: String) throws -> String {
        guard let type = EventType(text), Self.types.contains(type.name) else {
            throw Reason(
                code: "unknown_type",
                sentence:
                    "The type '\(text.prefix(80))' is not a request; requests are \(Self.types.sorted().map { $0 + ".v1" }.joined(separator: ", ")).",
                field: "ce_type"
            )
        }
        guard type.version == 1 else {
            throw Reason(
                code: "unknown_version",
                sentence: "Version \(type.version) of '\(type.name)' is not known to this fleet; 1 is.",
                field: "ce_type"
            )
        }
        return type.name
    }

    private static let types: Set<String> = [
        "slipway.project.create", "slipway.cluster.register", "slipway.environment.create",
        "slipway.application.create", "slipway.autodeploy.create", "slipway.instance.deploy",
        "slipway.instance.upgrade",
    ]

    private func body(_ type: String, _ event: CloudEvent, key: String) -> Result<RequestBody, Reason> {
        do {
            let body: RequestBody =
                switch type {
                case "slipway.project.create": .createProject(try event.decode(CreateProject.self, parser: parser))
                case "slipway.cluster.register":
                    .registerCluster(try event.decode(RegisterCluster.self, parser: parser))
                case "slipway.environment.create":
                    .createEnvironment(try event.decode(CreateEnvironment.self, parser: parser))
                case "slipway.application.create":
                    .createApplication(try event.decode(CreateApplication.self, parser: parser))
                case "slipway.autodeploy.create":
                    .createAutoDeploy(try event.decode(CreateAutoDeploy.self, parser: parser))
                case "slipway.instance.deploy": .deployInstance(try event.decode(DeployInstance.self, parser: parser))
                default: .upgradeInstance(try event.decode(UpgradeInstance.self, parser: parser))
                }
            guard body.key == key else {
                return .failure(
                    Reason(
                        code: "key_mismatch",
                        sentence:
                            "The message's key is '\(key.prefix(120))', but its data speaks of '\(body.key.prefix(120))'; both should be the same.",
                        field: "key"
                    )
                )
            }
            try RequestRules.check(body)
            return .success(body)
        } catch let error as CloudEventError {
            return .failure(Reason(code: error.code, sentence: error.sentence, field: error.field))
        } catch let reason as Reason {
            return .failure(reason)
        } catch {
            return .failure(Reason(code: "invalid_request", sentence: "The data could not be read."))
        }
    }

    /// A source of the fleet's own needs the fleet's signature, so that nobody can speak as the fleet.
    private func checked(
        _ body: Result<RequestBody, Reason>,
        _ event: CloudEvent,
        _ message: KafkaMessageView
    ) -> Result<RequestBody, Reason> {
        guard Self.isOwn(event.source) else { return body }
        let signature = message.header(MessageSignature.header).flatMap(MessageSignature.init)
        guard let signature, let parts = SignedParts(.fleet, of: message), requestKey.verifies(signature, of: parts)
        else {
            return .failure(
                Reason(
                    code: "forged_source",
                    sentence:
                        "'ce_source' is '\(event.source.prefix(80))', which is Slipway's own, but the fleet's signature is missing or wrong.",
                    field: "ce_source"
                )
            )
        }
        return body
    }

    /// Whether a source is the fleet's own, which must be signed; only the fleet acts on behalf of others.
    private static func isOwn(_ source: String) -> Bool { source.hasPrefix("/slipway/") }

    private func lastPart(_ subject: String?) -> String {
        subject?.split(separator: "/").last.map(String.init) ?? ""
    }
}
