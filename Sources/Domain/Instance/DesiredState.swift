import Foundation
import WorkerRuntime

/// All that an instance should be: each command carries the whole of it, so that a newer one includes those before it.
struct DesiredState: Codable, Sendable, Hashable {
    /// The application.
    var application: String
    /// The version.
    var version: String
    /// The image to run.
    var image: String?
    /// The chart to render.
    var chart: ChartReference?
    /// The values as they were asked for, which stay with the instance.
    var values: String
    /// The version's values with those on top.
    var mergedValues: String
    /// Replicas that stand over the chart's, by workload, such as `Deployment/web`.
    var replicas: [String: Int] = [:]
    /// Whether it has no pods.
    var isStopped = false
    /// A nonce: a new one rolls the pods.
    var restart: String?
    /// The command that decided version and values; `nil` of one that an older worker has written.
    var deployment: String?

    /// What a release brings, with values laid over its own; the version is spelled as the release's first event did.
    init(application: String, version: String, release: KnownRelease, values: String) throws(Reason) {
        self.application = application
        self.version = release.version ?? version
        image = release.image
        chart = release.chart
        self.values = values
        mergedValues = try ValuesYAML.merge([release.values ?? "", values])
        guard mergedValues.utf8.count <= ValuesYAML.maximumBytes else {
            throw Reason(
                code: "too_large",
                sentence: "'values' on top of the version's own have \(mergedValues.utf8.count) bytes; "
                    + "at most \(ValuesYAML.maximumBytes) are accepted.",
                field: "values"
            )
        }
        // What cannot be compared later on is refused now, before anything is written.
        _ = try ValuesTree(yaml: mergedValues, field: "values")
    }

    /// Reads what a worker of another version wrote, too.
    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        application = try members.decode(String.self, forKey: .application)
        version = try members.decode(String.self, forKey: .version)
        image = try members.decodeIfPresent(String.self, forKey: .image)
        chart = try members.decodeIfPresent(ChartReference.self, forKey: .chart)
        values = try members.decodeIfPresent(String.self, forKey: .values) ?? ""
        mergedValues = try members.decodeIfPresent(String.self, forKey: .mergedValues) ?? ""
        replicas = try members.decodeIfPresent([String: Int].self, forKey: .replicas) ?? [:]
        isStopped = try members.decodeIfPresent(Bool.self, forKey: .isStopped) ?? false
        restart = try members.decodeIfPresent(String.self, forKey: .restart)
        deployment = try members.decodeIfPresent(String.self, forKey: .deployment)
    }

    /// Reads it as rows keep it.
    init(json: [UInt8]) throws { self = try JSONDecoder().decode(DesiredState.self, from: Data(json)) }

    /// As rows keep it: the same bytes for the same state.
    var json: [UInt8] { get throws { Array(try JSONEncoder.stable.encode(self)) } }

    /// The same version and values, however those are written.
    func isSameRelease(as other: DesiredState) throws(Reason) -> Bool {
        guard application == other.application, version == other.version else { return false }
        if mergedValues.utf8.elementsEqual(other.mergedValues.utf8) { return true }
        return try ValuesTree(yaml: mergedValues, field: "values")
            == ValuesTree(yaml: other.mergedValues, field: "values")
    }

    /// The same release, from the same image and chart: nothing of it is new to a cluster.
    ///
    /// A registry may tell of a version's chart after its image, and an application's chart may move: then the same
    /// version with the same values is something else to run.
    func isUnchanged(in other: DesiredState) throws(Reason) -> Bool {
        guard image == other.image, chart == other.chart else { return false }
        return try isSameRelease(as: other)
    }

    /// Takes version and values of another state and keeps the rest: replicas, stopped, nonce.
    func taking(_ release: DesiredState) -> DesiredState {
        var next = release
        next.replicas = replicas
        next.isStopped = isStopped
        next.restart = restart
        return next
    }
}

/// A version of an application as release events told of it.
struct KnownRelease: Sendable, Hashable {
    /// As the first event spelled it: `v1.4.2` is asked for as `1.4.2`, too.
    var version: String?
    var image: String?
    var chart: ChartReference?
    var values: String?
}

extension JSONEncoder {
    /// Writes the same bytes for the same value.
    static var stable: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
