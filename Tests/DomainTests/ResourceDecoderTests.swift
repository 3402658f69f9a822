import Testing
import WorkerRuntime

@testable import Domain

@Suite struct ResourceDecoderTests {
    private let decoder = ResourceDecoder(verifier: TrustingVerifier())

    private func reason(_ message: KafkaMessageView) throws -> Reason {
        do {
            let decoded = try decoder.decode(message)
            guard case .unreadable(_, let reason) = decoded.fact else {
                throw Reason(code: "accepted", sentence: "The message was accepted.")
            }
            return reason
        } catch let refusal as Refusal {
            return refusal.reason
        }
    }

    @Test func `an object is read with all that is stored of it`() throws {
        let object =
            #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-a","namespace":"shop","uid":"u1","generation":3,"#
            + #""resourceVersion":"9","labels":{"slipway.io/generation":"7"}},"spec":{"restartPolicy":"Always"},"#
            + #""status":{"observedGeneration":3,"phase":"Pending","containerStatuses":[{"name":"web","image":"web:2","#
            + #""state":{"waiting":{"reason":"ErrImagePull","message":"no such image"}}}]}}"#
        let message = try decoder.decode(AgentMessage.changed(object, 4, 12, instance: "web-1"))
        #expect(message.stream == StreamID(cluster: "c1", namespace: "shop"))
        #expect(message.position == StreamPosition(epoch: 4, sequence: 12))
        guard case .changed(let change) = message.fact else { throw Reason(code: "fact", sentence: "\(message.fact)") }
        #expect(change.id.key == "c1/shop/Pod/web-a")
        #expect(change.uid == "u1")
        #expect(change.generation == 3)
        #expect(change.observedGeneration == 3)
        #expect(change.resourceVersion == "9")
        #expect(change.instance == "web-1")
        #expect(change.commandGeneration == 7)
        #expect(change.assessment == HealthAssessment(.degraded, "no such image"))
        #expect(change.isReady == false)
        #expect(change.sign?.code == .imagePull)
    }

    @Test(arguments: [
        ("key", AgentMessage.changed(AgentMessage.pod("a"), 1, 1, key: "c1")),
        ("key", AgentMessage.changed(AgentMessage.pod("a"), 1, 1, key: "c1/")),
        ("key", AgentMessage.changed(AgentMessage.pod("a"), 1, 1, key: "c1/a/b")),
        ("key", AgentMessage.changed(AgentMessage.pod("a"), 1, 1, key: "c\0/shop")),
        ("ce_epoch", AgentMessage.changed(AgentMessage.pod("a"), 0, 1)),
        ("ce_sequence", AgentMessage.changed(AgentMessage.pod("a"), 1, -1)),
        ("ce_type", AgentMessage.make("slipway.resource.changed.v2", "{}", 1, 1)),
        ("metadata.namespace", AgentMessage.changed(AgentMessage.pod("a"), 1, 1, key: "c1/other")),
        ("data", AgentMessage.make("slipway.resource.changed.v1", nil, 1, 1)),
        ("data", AgentMessage.make("slipway.resource.changed.v1", "{", 1, 1)),
        ("data", AgentMessage.make("slipway.resource.changed.v1", "[]", 1, 1)),
        ("data", AgentMessage.make("slipway.resource.changed.v1", #"{"x":"\ud800"}"#, 1, 1)),
        ("data", AgentMessage.make("slipway.resource.changed.v1", #"{"x":1e400000}"#, 1, 1)),
        ("kind", AgentMessage.make("slipway.resource.changed.v1", "{}", 1, 1)),
        ("kind", AgentMessage.make("slipway.resource.gone.v1", #"{"kind":7}"#, 1, 1)),
        ("apiVersion", AgentMessage.make("slipway.resource.gone.v1", #"{"kind":"Pod"}"#, 1, 1)),
        ("metadata", AgentMessage.make("slipway.resource.gone.v1", #"{"kind":"Pod","apiVersion":"v1"}"#, 1, 1)),
        (
            "metadata.name",
            AgentMessage.make(
                "slipway.resource.gone.v1",
                #"{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"shop"}}"#,
                1,
                1
            )
        ),
        (
            "metadata.name",
            AgentMessage.make(
                "slipway.resource.gone.v1",
                #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a/b"}}"#,
                1,
                1
            )
        ),
        (
            "metadata.uid",
            AgentMessage.make(
                "slipway.resource.gone.v1",
                #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"shop"}}"#,
                1,
                1
            )
        ),
        (
            "began",
            AgentMessage.make(
                "slipway.resource.snapshot_ended.v1",
                #"{"kind":"Pod","apiVersion":"v1","count":0}"#,
                1,
                1
            )
        ),
    ])
    func `what is wrong is named`(_ field: String, _ message: KafkaMessageView) throws {
        #expect(try reason(message).field == field)
    }

    @Test func `an epoch that is no number and a missing signature are refused`() throws {
        let headers = [("ce_type", "slipway.resource.changed.v1"), ("ce_epoch", "one"), ("ce_sequence", "1")]
        let message = KafkaMessageView(topic: "resource.changes", key: "c1/shop", headers: headers, value: [])
        #expect(try reason(message).field == "ce_epoch")
        let unsigned = KafkaMessageView(
            topic: "resource.changes",
            key: "c1/shop",
            headers: headers + [("unsigned", "")],
            value: []
        )
        #expect(try reason(unsigned).code == "unsigned")
    }

    @Test(arguments: [
        (#"{"a":"b\\u0000"}"#, false), (#"{"a":"\u0000"}"#, true), (#"{"a":"\\\u0000"}"#, true),
        (#"{"a":"\ud83d\ude00"}"#, false), (#"{"a":"\ude00"}"#, true), (#"{"a":"\ud83dx"}"#, true),
        (#"{"a":"\n\"\u00e9"}"#, false),
    ])
    func `only escapes that a database cannot store are forbidden`(_ json: String, _ isForbidden: Bool) {
        let found = Array(json.utf8).withUnsafeBytes { StorableJSON.hasForbiddenEscape($0) }
        #expect(found == isForbidden)
    }
}
