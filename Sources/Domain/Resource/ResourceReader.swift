import Glibc
internal import JSON
import WorkerRuntime

/// Reads the bodies of `resource.changes`; each fault names the field, what is wrong and what would be right.
struct ResourceReader {
    private let root: JSONValue
    private let object: KubernetesObject
    private let texts: RecentValues<String>

    /// Kubernetes limits names to 253 characters; what is longer would not fit the database's index either.
    private static let longestName = 253

    /// Reads an object; the texts that are the same in many are made once and kept in `texts`.
    init(_ root: JSONValue, _ texts: RecentValues<String>) {
        self.root = root
        self.texts = texts
        object = KubernetesObject(root)
    }

    /// Reads a body of a type.
    func fact(_ type: ResourceEventType, in stream: StreamID, instance: String?) throws(Reason) -> ResourceFact {
        switch type {
        case .changed: .changed(try change(in: stream, instance: instance))
        case .gone: .gone(try gone(in: stream))
        case .snapshotEnded: .snapshotEnded(try snapshotEnded())
        }
    }

    /// The object's identity as far as it can be read, for a body that is at fault elsewhere.
    func id(in stream: StreamID) -> ResourceID? {
        guard let kind = try? name(object.kind, "kind"),
            let name = try? name(object.name, "metadata.name"),
            object.namespace?.equals(text: stream.namespace) == true
        else { return nil }
        return ResourceID(stream: stream, kind: kind, name: name)
    }

    private func change(in stream: StreamID, instance: String?) throws(Reason) -> ResourceChange {
        let (id, apiVersion, uid) = try identity(in: stream)
        try checkObject(object.spec, "spec")
        try checkObject(object.status, "status")
        let isPod = id.kind == "Pod" && apiVersion == "v1"
        let assessment = OwnHealth.assess(object, kind: id.kind, apiVersion: apiVersion)
        let isWaiting =
            assessment.health == .progressing && AddressWait.isWaiting(object, kind: id.kind, apiVersion: apiVersion)
        return ResourceChange(
            id: id,
            apiVersion: apiVersion,
            uid: uid,
            generation: try number(object.generationValue, "metadata.generation") ?? 0,
            observedGeneration: try number(object.status?["observedGeneration"], "status.observedGeneration"),
            resourceVersion: try text(object.resourceVersion, "metadata.resourceVersion"),
            instance: try checkedInstance(instance),
            commandGeneration: commandGeneration,
            assessment: assessment,
            awaitsAddressSince: isWaiting ? object.creationTime : nil,
            isReady: isPod ? PodHealth.isReady(object) : nil,
            sign: isPod ? FailureSign(pod: object, name: id.name) : nil,
            isApart: isApart(id.kind),
            // A secret's value is nowhere but in its encrypted column: even one that came untrimmed is not kept.
            storedInstead: id.kind == "Secret" ? SecretMetadata.json(object) : nil
        )
    }

    /// Whether another object speaks for it: a CronJob for its Jobs, helm for its hooks, a Job for its pods, a ReplicaSet
    /// for those of its pods that have failed as a whole, such as by eviction: they stay, and it makes others.
    private func isApart(_ kind: String) -> Bool {
        guard kind == "Job" || kind == "Pod" else { return false }
        if object.annotations?["helm.sh/hook"] != nil { return true }
        let owners = object.metadata?["ownerReferences"]
        guard let owner = owners?.first(where: { _ in true })?["kind"] else { return false }
        if kind == "Job" { return owner.equals("CronJob") }
        return owner.equals("Job") || owner.equals("ReplicaSet") && PodHealth.hasFailed(object)
    }

    /// The generation of the command that made the object; `nil` where the label is none of Slipway's.
    private var commandGeneration: Int64? {
        let label = object.labels?["slipway.io/generation"]
        return label?.withUTF8 { DecimalDigits.number(UnsafeRawBufferPointer($0)) } ?? nil
    }

    private func gone(in stream: StreamID) throws(Reason) -> ResourceGone {
        let identity = try identity(in: stream)
        return ResourceGone(id: identity.id, apiVersion: identity.apiVersion, uid: identity.uid)
    }

    private func snapshotEnded() throws(Reason) -> SnapshotEnded {
        guard root.isObject else { throw wrong("data", root.kindInWords, "an object") }
        let kind = try name(root["kind"], "kind")
        let apiVersion = try text(root["apiVersion"], "apiVersion")
        guard let apiVersion, !apiVersion.isEmpty, apiVersion.utf8.count <= Self.longestName else {
            throw missing("apiVersion", "the group and version")
        }
        guard let began = try number(root["began"], "began") else {
            throw missing("began", "the first message's sequence")
        }
        guard let count = try number(root["count"], "count") else { throw missing("count", "the number of objects") }
        return SnapshotEnded(kind: kind, apiVersion: apiVersion, began: began, count: count)
    }

    private func identity(
        in stream: StreamID
    ) throws(Reason) -> (id: ResourceID, apiVersion: String, uid: String) {
        guard root.isObject else { throw wrong("data", root.kindInWords, "an object") }
        let kind = try name(object.kind, "kind", isCommon: true)
        let apiVersion = try text(object.apiVersion, "apiVersion", isCommon: true)
        guard let apiVersion, !apiVersion.isEmpty else { throw missing("apiVersion", "the group and version") }
        guard let metadata = object.metadata else { throw missing("metadata", "an object") }
        guard metadata.isObject else { throw wrong("metadata", metadata.kindInWords, "an object") }
        let name = try name(object.name, "metadata.name")
        guard let uid = try text(object.uid, "metadata.uid"), !uid.isEmpty else {
            throw missing("metadata.uid", "the object's uid")
        }
        let space = object.namespace
        guard let space, space.equals(text: stream.namespace) else {
            let namespace = try text(space, "metadata.namespace") ?? ""
            throw Reason(
                code: "key_mismatch",
                sentence: "'metadata.namespace' is '\(namespace.prefix(80))' and the key says '\(stream.namespace)'; "
                    + "both should be the same.",
                field: "metadata.namespace"
            )
        }
        return (ResourceID(stream: stream, kind: kind, name: name), apiVersion, uid)
    }

    private func checkedInstance(_ instance: String?) throws(Reason) -> String? {
        guard let instance, !instance.isEmpty else { return nil }
        let hasNul = instance.utf8.withContiguousStorageIfAvailable { bytes in
            bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
        }
        guard instance.utf8.count <= Self.longestName, !(hasNul ?? instance.utf8.contains(0)) else {
            throw wrong("ce_instance", "too long or not a name", "the name of an instance")
        }
        return instance
    }

    /// A text that names something: not empty, not too long, and without the slash that separates keys.
    ///
    /// - Parameter isCommon: Whether many objects have the same.
    @inline(__always)
    private func name(_ value: JSONValue?, _ field: String, isCommon: Bool = false) throws(Reason) -> String {
        if let value, let name = isCommon ? common(value) : value.string, !name.isEmpty,
            name.utf8.count <= Self.longestName, !value.contains(byte: UInt8(ascii: "/"))
        {
            return name
        }
        throw faultOfName(value, field)
    }

    @inline(__always)
    private func text(_ value: JSONValue?, _ field: String, isCommon: Bool = false) throws(Reason) -> String? {
        guard let value, !value.isNull else { return nil }
        if let text = isCommon ? common(value) : value.string { return text }
        throw wrong(field, value.kindInWords, "a string")
    }

    private func common(_ value: JSONValue) -> String? {
        value.withUTF8 { bytes in
            texts.value(of: UnsafeRawBufferPointer(bytes)) { String(decoding: $0, as: UTF8.self) }
        } ?? nil
    }

    @inline(__always)
    private func number(_ value: JSONValue?, _ field: String) throws(Reason) -> Int64? {
        guard let value, !value.isNull else { return nil }
        if let number = value.int, number >= 0 { return number }
        throw wrong(field, value.int.map(String.init) ?? value.kindInWords, "a whole number from 0")
    }

    @inline(never)
    private func faultOfName(_ value: JSONValue?, _ field: String) -> Reason {
        guard let value, !value.isNull, value.string != "" else { return missing(field, "a name") }
        guard let name = value.string else { return wrong(field, value.kindInWords, "a string") }
        return wrong(field, "'\(name.prefix(80))'", "a name of at most \(Self.longestName) bytes without a slash")
    }

    private func checkObject(_ value: JSONValue?, _ field: String) throws(Reason) {
        guard let value, !value.isNull else { return }
        guard value.isObject else { throw wrong(field, value.kindInWords, "an object") }
    }

    @inline(never)
    private func missing(_ field: String, _ wanted: String) -> Reason {
        Reason(code: "missing_field", sentence: "'\(field)' is missing; it should hold \(wanted).", field: field)
    }

    @inline(never)
    private func wrong(_ field: String, _ found: String, _ wanted: String) -> Reason {
        Reason(code: "wrong_type", sentence: "'\(field)' is \(found); it should be \(wanted).", field: field)
    }
}
