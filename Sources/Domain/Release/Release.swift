public import CloudEvents
import Foundation
import WorkerRuntime

/// What a release event says, whatever its shape: one version of one artifact.
public struct Release: Sendable, Hashable {
    /// The artifact's name, which applications refer to: its short name, or its path.
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
    /// The full path of what it is of, without the host, such as `shop/web`; `nil` where its source does not tell.
    public var path: String?
}

/// A release event as it was read.
public struct ReleaseInput: Sendable {
    /// What was released; or, for an event that is understood and tells of no release, why it does not.
    public let content: Result<Release, Reason>
    /// Why nobody can tell now what its version means: it is tried again later.
    let unavailable: Reason?
    /// The event's CloudEvents source.
    public let source: String
    /// The event's CloudEvents id.
    public let id: String
    /// The event's trace.
    public let trace: TraceContext?
    let digest: [UInt8]
}

extension Release {
    /// Refuses names and values that could not be stored, found or rendered.
    func check(
        artifactField: String = "artifact",
        versionField: String = "version",
        chartField: String = "chart",
        valuesField: String = "values"
    ) throws {
        let names = [(artifactField, "an artifact", artifact, 200), (versionField, "a version", version, 128)]
        for (field, what, text, limit) in names {
            let isOneWord = !text.contains { $0.isWhitespace || $0.isNewline }
            guard isOneWord, FieldRules.hasLength(text, upTo: limit) else {
                throw Reason(
                    code: "invalid_field",
                    sentence: "'\(field)' should name \(what) of 1 to \(limit) characters without spaces.",
                    field: field
                )
            }
        }
        try FieldRules.withoutPassword(chart?.name, "\(chartField).name")
        try FieldRules.withoutPassword(chart?.repository, "\(chartField).repository")
        if let chart, chart.name.isEmpty {
            throw Reason(
                code: "invalid_field",
                sentence: "'\(chartField).name' is empty; it should name the chart, or '\(chartField)' be left out.",
                field: "\(chartField).name"
            )
        }
        if let values { try ValuesYAML.check(values, field: valuesField) }
    }

    /// Takes what is empty for absent: it comes of variables that nobody has set, and would stay for ever as what is known
    /// of the version.
    mutating func dropEmptyTexts() {
        let texts: [WritableKeyPath<Release, String?>] = [\.image, \.digest, \.values, \.commit, \.branch]
        for text in texts where self[keyPath: text] == "" { self[keyPath: text] = nil }
        if chart?.repository == "" { chart?.repository = nil }
        if chart?.version == "" { chart?.version = nil }
        if let chart, chart == ChartReference(repository: nil, name: "", version: nil) { self.chart = nil }
    }

    /// Why a tag names no version: what signs, attests or describes an image lies beside it in the same repository, as
    /// `sha256-<the image's digest>`, with an ending such as `.sig` or without one.
    static func refusal(ofTag tag: String, field: String) -> Reason? {
        let parts = tag.prefix { $0 != "." }.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, ["sha256", "sha512"].contains(parts[0]), parts[1].utf8.count >= 64,
            parts[1].allSatisfy(\.isHexDigit)
        else { return nil }
        return Reason(
            code: "not_a_release",
            sentence: "'\(field)' names '\(tag.prefix(160))', which signs, attests or describes an image; only an "
                + "image or a chart of its own tag has a version.",
            field: field
        )
    }

    /// The artifact's name in a path such as `shop/backend/web`: the last part in lower case, as package URLs have it.
    static func artifact(ofPath path: String) -> String {
        path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    }
}

/// What a second event adds to a version that is known.
struct ReleaseCompletion: Sendable, Hashable {
    /// The version with all that is known of it now.
    var release: Release
    /// Whether anything is new.
    var isMore: Bool
    /// Whether what would run has changed: an image, a chart or values became known.
    var changesWhatRuns: Bool
}

extension Release {
    /// Lays the same version as another event tells it under this one: what is known stays, what is missing is taken.
    func completed(by other: Release) -> ReleaseCompletion {
        var whole = self
        whole.image = image ?? other.image
        whole.digest = digest ?? other.digest
        whole.chart = chart ?? other.chart
        whole.values = values ?? other.values
        whole.commit = commit ?? other.commit
        whole.branch = branch ?? other.branch
        whole.publishedAt = publishedAt ?? other.publishedAt
        let runs = whole.image != image || whole.chart != chart || whole.values != values
        let isMore = runs || whole.digest != digest || whole.commit != commit || whole.branch != branch
        return ReleaseCompletion(release: whole, isMore: isMore, changesWhatRuns: runs)
    }
}
