public import CloudEvents
internal import JSON
public import WorkerRuntime

/// The CDEvents (spec 0.5.1) that others subscribe to on the topic `cdevents`.
public enum CDEvent {
    /// Where services and environments are known by their ids: the same whichever program tells of them, since a subject
    /// is known by its id and source together.
    private static let home = "/slipway"

    /// What happened to a service, which is an instance here.
    public enum ServiceVerb: String, Sendable, CaseIterable {
        /// It runs for the first time.
        case deployed
        /// It runs another version.
        case upgraded
        /// It runs an earlier version again.
        case rolledback
        /// It is gone.
        case removed
    }

    /// Says what happened to a service.
    ///
    /// - Parameters:
    ///   - environment: `project/environment`.
    ///   - artifact: The package URL of what runs.
    public static func service(
        _ verb: ServiceVerb,
        environment: String,
        service: String,
        artifact: String,
        id: String,
        worker: String,
        time: Int64,
        trace: TraceContext? = nil
    ) -> OutboxRecord {
        record(
            type: "dev.cdevents.service.\(verb.rawValue).0.3.0",
            key: "\(environment)/\(service)",
            subject: "\(environment)/\(service)",
            id: id,
            worker: worker,
            time: time,
            trace: trace
        ) { content in
            content.objectMember("environment") { json in
                json.member("id", environment)
                json.member("source", home)
            }
            if verb != .removed { content.member("artifactId", artifact) }
        }
    }

    /// What happened to an environment.
    public enum EnvironmentVerb: String, Sendable, CaseIterable {
        /// It can be deployed to.
        case created
        /// Something that is said of it changed.
        case modified
        /// It is gone, with everything in it.
        case deleted
    }

    /// Says what happened to an environment.
    ///
    /// - Parameter environment: `project/environment`.
    public static func environment(
        _ verb: EnvironmentVerb,
        _ environment: String,
        id: String,
        worker: String,
        time: Int64
    ) -> OutboxRecord {
        record(
            type: "dev.cdevents.environment.\(verb.rawValue).0.3.0",
            key: environment,
            subject: environment,
            id: id,
            worker: worker,
            time: time,
            trace: nil
        ) { content in
            content.member("name", environment)
        }
    }

    private static func record(
        type: String,
        key: String,
        subject: String,
        id: String,
        worker: String,
        time: Int64,
        trace: TraceContext?,
        content: (inout JSONWriter) -> Void
    ) -> OutboxRecord {
        let source = "/slipway/\(worker)"
        let data = JSONWriter.object { json in
            json.objectMember("context") { context in
                context.member("specversion", "0.5.1")
                context.member("id", id)
                context.member("source", source)
                context.member("type", type)
                context.member("timestamp", RFC3339.format(microseconds: time))
            }
            json.objectMember("subject") { subjectJSON in
                subjectJSON.member("id", subject)
                subjectJSON.member("source", home)
                subjectJSON.member("content", object: content)
            }
        }
        return OutboxRecord(
            topic: "cdevents",
            key: key,
            event: OutgoingEvent(
                id: id,
                type: type,
                source: source,
                subject: subject,
                time: time,
                data: data,
                trace: trace
            )
        )
    }
}

/// The package URL under which an artifact is known to others.
public enum ArtifactID {
    /// Makes `pkg:oci/<name>@<digest>?repository_url=…&tag=<version>` of an image, `pkg:generic/…` of anything else.
    public static func make(name: String, version: String, digest: String?, image: String?) -> String {
        let last = name.split(separator: "/").last.map(String.init) ?? name
        guard let image else { return "pkg:generic/\(escape(last))@\(escape(version))" }
        let repository = image.split(separator: "@").first.map(String.init) ?? image
        // A colon before the last slash belongs to the registry's port.
        let lastPart = repository.lastIndex(of: "/") ?? repository.startIndex
        let withoutTag = repository[lastPart...].lastIndex(of: ":").map { String(repository[..<$0]) } ?? repository
        let digestPart = digest.map { "@" + escape($0) } ?? ""
        return "pkg:oci/\(escape(last))\(digestPart)?repository_url=\(escape(withoutTag))&tag=\(escape(version))"
    }

    private static func escape(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { out, byte in
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126, 47: out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
