internal import JSON

/// A Kubernetes object with the parts that every rule reads, found in one pass over each level.
///
/// Valid as long as the document that it was made of.
struct KubernetesObject {
    /// The whole object.
    let root: JSONValue
    let apiVersion: JSONValue?
    let kind: JSONValue?
    let metadata: JSONValue?
    let spec: JSONValue?
    let status: JSONValue?
    let name: JSONValue?
    let namespace: JSONValue?
    let uid: JSONValue?
    let resourceVersion: JSONValue?
    let labels: JSONValue?
    let annotations: JSONValue?
    let finalizers: JSONValue?
    let deletionTimestamp: JSONValue?
    /// `metadata.generation` as it stands.
    let generationValue: JSONValue?
    /// The generation of the specification; 0 when it is absent.
    let generation: Int64

    private static let rootNames = JSONMemberNames("apiVersion", "kind", "metadata", "spec", "status")
    private static let metadataNames = JSONMemberNames(
        "name",
        "namespace",
        "uid",
        "generation",
        "resourceVersion",
        "labels",
        "annotations",
        "finalizers",
        "deletionTimestamp"
    )

    init(_ root: JSONValue) {
        self.root = root
        let parts = root.members(Self.rootNames)
        (apiVersion, kind, metadata, spec, status) = (parts[0], parts[1], parts[2], parts[3], parts[4])
        guard let metadata else {
            (name, namespace, uid, generationValue, resourceVersion) = (nil, nil, nil, nil, nil)
            (labels, annotations, finalizers, deletionTimestamp) = (nil, nil, nil, nil)
            generation = 0
            return
        }
        let more = metadata.members(Self.metadataNames)
        (name, namespace, uid, generationValue, resourceVersion) = (more[0], more[1], more[2], more[3], more[4])
        (labels, annotations, finalizers, deletionTimestamp) = (more[5], more[6], more[7], more[8])
        generation = generationValue?.int ?? 0
    }

    /// The status condition of a type.
    func condition(_ type: StaticString) -> JSONValue? {
        status?["conditions"]?.condition(type)
    }

    /// The first status condition of a type with a status.
    func condition(_ type: StaticString, _ wanted: StaticString) -> JSONValue? {
        status?["conditions"]?.first { $0["type"]?.equals(type) == true && $0["status"]?.equals(wanted) == true }
    }

    /// A number of pods in the status; 0 when it is absent, as in Kubernetes' own types.
    func count(_ name: StaticString) -> Int64 { status?[name]?.podCount ?? 0 }

    /// The wanted number of pods; `nil` when the object does not say.
    var wantedReplicas: Int64? { spec?["replicas"]?.podCount }

    /// The generation that its controller has seen; 0 when it is absent.
    var observedGeneration: Int64 { status?["observedGeneration"]?.int ?? 0 }
}

extension JSONValue {
    /// A number of pods, which may be added and subtracted: Kubernetes keeps it in 32 bits, an agent may tell any.
    var podCount: Int64? { int.map { min(max($0, Int64(Int32.min)), Int64(Int32.max)) } }

    private static let type = JSONMemberName("type")
    private static let status = JSONMemberName("status")

    /// The condition of a type in a list of conditions.
    func condition(_ type: StaticString) -> JSONValue? {
        first { $0[Self.type]?.equals(type) ?? false }
    }

    /// Whether a condition's status is `True`.
    var isTrueCondition: Bool { self[Self.status]?.equals("True") ?? false }

    /// The first element of an array that fits; `nil` for anything but an array.
    func first(where fits: (JSONValue) -> Bool) -> JSONValue? {
        var found: JSONValue?
        forEachElement { element in
            if found == nil, fits(element) { found = element }
        }
        return found
    }
}
