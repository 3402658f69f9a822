internal import CloudEvents
import Foundation
internal import JSON
import WorkerRuntime

/// Turns release events into releases: CDEvents of spec 0.3 to 0.5, Slipway's own, and what Harbor, GitLab and GitHub
/// send to webhooks.
struct ReleaseEventDecoder {
    let parser = JSONParser()

    func decode(_ message: KafkaMessageView) throws(Refusal) -> ReleaseInput {
        do {
            let event = try WebhookMessage.event(message) ?? CloudEvent(message, parser: parser)
            let shape = try ReleaseEventShape(type: event.type)
            let content = try content(of: event, shape)
            var unavailable: Reason?
            if case .newer(let reason) = shape { unavailable = reason }
            let artifact = (try? content.get())?.artifact ?? ""
            return ReleaseInput(
                content: content,
                unavailable: unavailable,
                source: event.source,
                id: event.id,
                trace: event.trace,
                digest: event.data.withUnsafeBytes { InboxKey.digest(type: event.type, key: artifact, data: $0) }
            )
        } catch let error as CloudEventError {
            throw .deadLetter(Reason(code: error.code, sentence: error.sentence, field: error.field))
        } catch let reason as Reason {
            throw .deadLetter(reason)
        } catch {
            throw .deadLetter(Reason(code: "invalid_release", sentence: "The release event could not be read."))
        }
    }

    /// The release, or why there is none in an event that is understood; throws what is wrong with one that is not.
    private func content(of event: CloudEvent, _ shape: ReleaseEventShape) throws -> Result<Release, Reason> {
        switch shape {
        case .newer(let reason): .failure(reason)
        case .cdEvent: try event.decode(CDEventBody.self, parser: parser).content()
        case .slipway: .success(try Release(try event.decode(ReleasePublished.self, parser: parser)))
        case .harborCloudEvent:
            try HarborPush(
                data: try event.decode(HarborEventData.self, parser: parser),
                dataPath: "",
                occurredAt: event.time.flatMap(RFC3339.parse),
                kind: event.extensions[HarborPush.kindAttribute]
            ).content()
        case .harborWebhook: try harbor(event)
        case .gitLab: try GitLabWebhook.content(of: event, parser: parser)
        case .gitHub: try GitHubWebhook.content(of: event, parser: parser)
        case .notARelease(let product, let instead):
            .failure(
                Reason(
                    code: "not_a_release",
                    sentence: "'\(event.type.prefix(80))' is an event of \(product) that tells of no release; "
                        + "'\(instead)' does.",
                    field: "ce_type"
                )
            )
        }
    }

    private func harbor(_ event: CloudEvent) throws -> Result<Release, Reason> {
        let head = try event.decode(HarborWebhookHead.self, parser: parser)
        guard head.type == "PUSH_ARTIFACT" else {
            return .failure(
                Reason(
                    code: "not_a_release",
                    sentence: "'type' is '\(head.type.prefix(40))'; of Harbor's events only 'PUSH_ARTIFACT' tells of "
                        + "a release.",
                    field: "type"
                )
            )
        }
        let body = try event.decode(HarborWebhook.self, parser: parser)
        return try HarborPush(
            data: body.eventData,
            dataPath: "event_data.",
            occurredAt: body.occurredAtMicroseconds,
            kind: event.extensions[HarborPush.kindAttribute]
        ).content()
    }
}
