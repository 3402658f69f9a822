internal import JSON
import WorkerRuntime

/// What `resource.status` says of an object: its newest state, or a tombstone when it is gone.
enum ResourceStatus {
    /// The record of an object as it is stored now.
    static func record(of id: ResourceID, _ state: ResourceState, at now: Int64) -> OutboxRecord {
        record(of: id, state, head(at: now))
    }

    /// What all records of one time begin with.
    static func head(at now: Int64) -> EventHead {
        EventHead(type: "slipway.resource.status.v1", source: ResourceHandler.source, time: now)
    }

    /// The record of an object with what it has in common with others.
    static func record(of id: ResourceID, _ state: ResourceState, _ head: EventHead) -> OutboxRecord {
        guard !state.isGone else { return tombstone(of: id, revision: state.revision, at: head.time) }
        let key = id.key
        let data = JSONWriter.object { json in
            json.member("cluster", id.stream.cluster)
            json.member("namespace", id.stream.namespace)
            json.member("kind", id.kind)
            json.member("name", id.name)
            json.member("apiVersion", state.apiVersion)
            json.member("uid", state.uid)
            json.member("instance", state.instance)
            json.member("generation", state.generation)
            if let observed = state.observedGeneration { json.member("observedGeneration", observed) }
            json.member("health", state.assessment.health.rawValue)
            json.member("healthReason", state.assessment.reason)
            if let isReady = state.isReady { json.member("ready", isReady) }
            if let sign = state.sign {
                json.member(
                    "sign",
                    object: { json in
                        json.member("code", sign.code.rawValue)
                        json.member("message", sign.sentence)
                    }
                )
            }
            json.member("revision", state.revision)
        }
        return OutboxRecord(
            topic: topic,
            head: head,
            key: key,
            id: "\(key)@\(state.revision)",
            revision: state.revision,
            data: data
        )
    }

    /// The record of an object that is gone.
    static func tombstone(of id: ResourceID, revision: Int64, at now: Int64) -> OutboxRecord {
        let key = id.key
        return OutboxRecord(
            tombstone: topic,
            key: key,
            id: "\(key)@\(revision)",
            source: ResourceHandler.source,
            revision: revision,
            time: now
        )
    }

    private static let topic = "resource.status"
}
