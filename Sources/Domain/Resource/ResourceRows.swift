import Postgres
import WorkerRuntime

/// Rows of `resource` as columns of values in the server's binary form, ready for `unnest`.
struct ResourceRows {
    private var cluster: PostgresArray
    private var namespace: PostgresArray
    private var kind: PostgresArray
    private var name: PostgresArray
    private var apiVersion: PostgresArray
    private var uid: PostgresArray
    private var instance: PostgresArray
    private var epoch: PostgresArray
    private var sequence: PostgresArray
    private var generation: PostgresArray
    private var observedGeneration: PostgresArray
    private var resourceVersion: PostgresArray
    private var health: PostgresArray
    private var healthReason: PostgresArray
    private var gone: PostgresArray
    private var revision: PostgresArray
    private var ready: PostgresArray
    private var failingCode: PostgresArray
    private var failingReason: PostgresArray
    private var commandGeneration: PostgresArray
    private var apart: PostgresArray
    private var object: PostgresArray

    init(capacity: Int) {
        func column(_ element: PostgresArray.Element) -> PostgresArray { PostgresArray(element, capacity: capacity) }
        cluster = column(.text)
        namespace = column(.text)
        kind = column(.text)
        name = column(.text)
        apiVersion = column(.text)
        uid = column(.text)
        instance = column(.text)
        epoch = column(.int64)
        sequence = column(.int64)
        generation = column(.int64)
        observedGeneration = column(.int64)
        resourceVersion = column(.text)
        health = column(.text)
        healthReason = column(.text)
        gone = column(.bool)
        revision = column(.int64)
        ready = column(.bool)
        failingCode = column(.text)
        failingReason = column(.text)
        commandGeneration = column(.int64)
        apart = column(.bool)
        object = column(.json)
    }

    /// The number of rows.
    var count: Int { name.count }

    /// Adds a row; the object is what the entry's message says of it, or nothing.
    mutating func append(_ id: ResourceID, _ state: ResourceState, object entry: Entry<ResourceMessage>?) {
        cluster.append(id.stream.cluster)
        namespace.append(id.stream.namespace)
        kind.append(id.kind)
        name.append(id.name)
        apiVersion.append(state.apiVersion)
        uid.append(state.uid)
        instance.append(optional: state.instance)
        epoch.append(state.position.epoch)
        sequence.append(state.position.sequence)
        generation.append(state.generation)
        observedGeneration.append(optional: state.observedGeneration)
        resourceVersion.append(optional: state.resourceVersion)
        health.append(state.assessment.health.rawValue)
        healthReason.append(optional: state.assessment.reason)
        gone.append(state.isGone)
        revision.append(state.revision)
        ready.append(optional: state.isReady)
        failingCode.append(optional: state.sign?.code.rawValue)
        failingReason.append(optional: state.sign?.sentence)
        commandGeneration.append(optional: state.commandGeneration)
        // Follows from the object: of one that is not stored anew nothing is known that was not before.
        apart.append(optional: entry == nil ? nil : state.isApart)
        if case .changed(let change)? = entry?.input.fact, let stored = change.storedInstead {
            object.append(stored)
        } else if entry?.message.withValue({ object.append(bytes: $0) }) == nil {
            object.appendNull()
        }
    }

    /// The columns in the order of the statement; those that few objects have are often empty.
    var parameters: [PostgresValue] {
        [
            .array(cluster), .array(namespace), .array(kind), .array(name), .array(apiVersion), .array(uid),
            .array(instance.unlessOnlyNulls), .array(epoch), .array(sequence), .array(generation),
            .array(observedGeneration.unlessOnlyNulls), .array(resourceVersion.unlessOnlyNulls), .array(health),
            .array(healthReason.unlessOnlyNulls), .array(gone), .array(revision), .array(ready.unlessOnlyNulls),
            .array(failingCode.unlessOnlyNulls), .array(failingReason.unlessOnlyNulls),
            .array(commandGeneration.unlessOnlyNulls), .array(apart.unlessOnlyNulls), .array(object.unlessOnlyNulls),
        ]
    }
}

extension PostgresArray {
    fileprivate mutating func append(optional value: String?) {
        if let value { append(value) } else { appendNull() }
    }

    fileprivate mutating func append(optional value: Int64?) {
        if let value { append(value) } else { appendNull() }
    }

    fileprivate mutating func append(optional value: Bool?) {
        if let value { append(value) } else { appendNull() }
    }
}
