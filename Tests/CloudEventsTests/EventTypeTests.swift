import CloudEvents
import Testing

/// Types taken apart.
struct EventTypeTests {
    @Test func `a type has a concept, a verb and a version`() {
        let type = EventType("slipway.instance.deploy.v12")
        #expect(type == EventType(concept: "instance", verb: "deploy", version: 12))
        #expect(type?.name == "slipway.instance.deploy")
        #expect(type?.description == "slipway.instance.deploy.v12")
    }

    @Test(arguments: [
        "", "slipway", "slipway.instance.deploy", "slipway.instance.deploy.1", "slipway.instance.deploy.v",
        "slipway..deploy.v1",
        "slipway.instance..v1", "slipway.instance.deploy.v0", "slipway.instance.deploy.v01",
        "slipway.instance.deploy.v-1",
        "slipway.instance.deploy.v+1", "slipway.instance.deploy.v1.2", "slipway.instance.deploy.v99999999999999999999",
        "Slipway.instance.deploy.v1", "dev.cdevents.artifact.published.0.3.0", "other.instance.deploy.v1",
        "slipway.instance.deploy.v١",
    ])
    func `what is not one of Slipway's types is none`(text: String) {
        #expect(EventType(text) == nil)
    }

    @Test func `an unknown version is told apart from an unknown type`() {
        let known: Set = [
            EventType(concept: "instance", verb: "deploy", version: 1),
            EventType(concept: "instance", verb: "deploy", version: 2),
        ]
        func look(_ text: String) -> EventTypeKnowledge { EventTypeKnowledge(of: text, among: known) }
        #expect(
            look("slipway.instance.deploy.v2") == .known(EventType(concept: "instance", verb: "deploy", version: 2))
        )
        #expect(
            look("slipway.instance.deploy.v3")
                == .unknownVersion(EventType(concept: "instance", verb: "deploy", version: 3))
        )
        #expect(look("slipway.instance.remove.v1") == .unknownType)
        #expect(look("dev.cdevents.artifact.published.0.3.0") == .unknownType)
    }
}
