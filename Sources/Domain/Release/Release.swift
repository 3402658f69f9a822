import Foundation
import WorkerRuntime

/// What a release event says, whatever its shape: one version of one artifact.
public struct Release: Sendable, Hashable {
    /// The artifact's name, which applications refer to.
    public var artifact: String
    /// The version.
    public var version: String
    /// The image to run, with its tag or digest.
    public var image: String?
    /// The image's digest.
    public var digest: String?
    /// The chart to render.
    public var chart: ChartReference?
    /// Values, as YAML.
    public var values: String?
    /// The commit it was built from.
    public var commit: String?
    /// The branch it was built from.
    public var branch: String?
    /// When it was published: microseconds since 1970.
    public var publishedAt: Int64?
}

/// A release with the event that told of it.
public struct ReleaseInput: Sendable {
    /// What was released.
    public let release: Release
    /// The event's CloudEvents source.
    public let source: String
    /// The event's CloudEvents id.
    public let id: String
    /// The event's trace.
    public let traceparent: String?
    let digest: [UInt8]
}
