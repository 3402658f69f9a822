internal import JSON

/// What all objects that the fleet writes have in common.
struct ObjectHead: Sendable, Hashable {
    /// Which command wrote it, for its agent and for whoever observes it.
    struct Mark: Sendable, Hashable {
        let command: String
        let generation: Int64
    }

    let concept: ObjectConcept
    let namespace: String
    let name: String
    var mark: Mark?
}

/// An object as an agent applies it (server-side, with the fleet's field manager): the same input gives the same bytes.
struct ObjectManifest: Sendable, Hashable {
    /// Names the object within its cluster.
    struct ID: Sendable, Hashable {
        let apiVersion: String
        let kind: String
        let namespace: String
        let name: String
    }

    let id: ID
    let json: [UInt8]

    /// Writes the head and leaves the rest to the closure.
    ///
    /// - Parameters:
    ///   - name: The object's name where it is not the head's.
    ///   - labels: Further labels.
    init(
        _ head: ObjectHead,
        apiVersion: String,
        kind: String,
        name: String? = nil,
        labels: [String: String] = [:],
        annotations: [String: String] = [:],
        _ body: (inout JSONWriter) -> Void
    ) {
        let name = name ?? head.name
        id = ID(apiVersion: apiVersion, kind: kind, namespace: head.namespace, name: name)
        var labels = labels
        labels[ObjectLabel.managedBy] = "slipway"
        labels[ObjectLabel.concept] = head.concept.rawValue
        labels[ObjectLabel.command] = head.mark?.command
        labels[ObjectLabel.generation] = head.mark.map { String($0.generation) }
        json = JSONWriter.object { json in
            json.member("apiVersion", apiVersion)
            json.member("kind", kind)
            json.member("metadata") { metadata in
                metadata.member("name", name)
                metadata.member("namespace", head.namespace)
                metadata.member("labels", sorted: labels)
                if !annotations.isEmpty { metadata.member("annotations", sorted: annotations) }
            }
            body(&json)
        }
    }
}

extension JSONWriter {
    /// Writes a member that is an object of texts, by name.
    mutating func member(_ name: StaticString, sorted texts: [String: String]) {
        member(name) { json in
            for (name, text) in texts.sorted(by: { $0.key < $1.key }) {
                json.key(named: name)
                json.value(text)
            }
        }
    }

    /// Writes a member that is an object.
    mutating func member(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
        member(name, object: body)
    }
}
