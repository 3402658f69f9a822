import Domain
import Foundation

/// What helm says when it fails, as a code and a sentence.
struct HelmComplaint {
    let failure: WorkFailure

    /// The code of a complaint about an API server that is away, busy, or failed by itself.
    static let unreachable = "cluster_unreachable"
    /// The code of a complaint about an API server that does not know the agent's token, or helm's rights in a namespace.
    ///
    /// What a chart contains that the agent has no right to stays so until somebody gives it: that is no such complaint.
    static let unauthorized = "cluster_unauthorized"

    /// What complaints contain, every text of a line, and their codes: the first that fits counts.
    private static let codes: [(texts: [String], code: String)] = [
        (["must have at most 1048576"], "chart_too_large"), (["request is too large"], "chart_too_large"),
        (["sh.helm.release", "1048576 bytes"], "chart_too_large"), (["Request entity too large"], "chart_too_large"),
        (["did not end within"], "timed_out"),
        (["values don't meet the specifications"], "values_refused"),
        (["hooks failed"], "hook_failed"), (["failed pre-"], "hook_failed"), (["failed post-"], "hook_failed"),
        (["execution error"], "render_failed"), (["post-renderer"], "render_failed"),
        // What the server says of an object has words of templates and charts in it: 'spec.template: Invalid value'.
        (["Invalid value"], "apply_failed"), (["is immutable"], "apply_failed"),
        (["admission webhook"], "apply_failed"),
        (["parse error"], "render_failed"), (["template:"], "render_failed"),
        (["unable to build kubernetes"], "render_failed"),
        (["chart not found"], "chart_not_found"), (["no chart"], "chart_not_found"),
        (["chart \"", "not found in"], "chart_not_found"), (["path \"", "not found"], "chart_not_found"),
        (["looks like \""], "chart_not_found"), (["failed to download"], "chart_not_found"),
        (["failed to fetch"], "chart_not_found"), (["repo ", "not found"], "chart_not_found"),
        (["no cached repo"], "chart_not_found"), (["Chart.yaml file is missing"], "chart_not_found"),
        // Where charts are kept: what is not there, is not given to whom asks, or cannot be reached.
        (["failed to perform \"", "on source"], "chart_not_found"), (["/tags/list"], "chart_not_found"),
        (["unable to locate any tags"], "chart_not_found"), (["could not locate a version"], "chart_not_found"),
        (["Get \"", ".tgz\""], "chart_not_found"),
    ]

    /// What Go's HTTP client and the API server say in such cases; of a chart's registry and of webhooks they say the same.
    private static let away = [
        "connection refused", "connection reset", "i/o timeout", "TLS handshake timeout", "client connection lost",
        "unexpected EOF", ": EOF", "no route to host", "Client.Timeout exceeded", "unable to handle the request",
        "etcdserver:", "Too Many Requests", "an error on the server", "unexpected error when reading response body",
        "could not get apiVersions from Kubernetes",
    ]

    /// Words of complaints about those others that have no code of their own.
    private static let others = ["webhook", "failed to do request", "FetchReference"]

    private static func isUnreachable(_ text: String) -> Bool {
        let words = complaint(text)
        // Helm begins with these words too where the server answers that it does not know who asks.
        if isUnauthorized(text) { return false }
        return words.localizedStandardContains("cluster unreachable")
            || away.contains { words.contains($0) } && !others.contains { words.contains($0) }
    }

    /// What helm says when it may not read what it remembers of releases, before it has done anything.
    ///
    /// Every namespace's role has that right: it is not known yet, or somebody has taken it away.
    private static let recordsDenied = "failed to query with labels: secrets is forbidden"

    private static func isUnauthorized(_ text: String) -> Bool {
        let words = complaint(text)
        if words.contains(recordsDenied) { return true }
        return (words.contains("provide credentials") || words.hasSuffix("Unauthorized"))
            && !others.contains { words.contains($0) }
    }

    init(_ text: String, of request: ReleaseRequested) {
        let text = Self.withoutConfidentialValues(text)
        let words = Self.complaint(text)
        var code = Self.codes.first { line in line.texts.allSatisfy { words.contains($0) } }?.code ?? "apply_failed"
        if !["chart_not_found", "chart_too_large"].contains(code), Self.isUnreachable(text) { code = Self.unreachable }
        if code == "apply_failed", Self.isUnauthorized(text) { code = Self.unauthorized }
        let message =
            code == "chart_too_large"
            ? "The release's manifests are more than the 1 MiB, compressed, that helm keeps in a Secret; split the chart."
            : Self.sentence(text)
        failure = WorkFailure(code: code, message: message)
    }

    /// What helm says when it cannot get at a repository's index: why stands in what it prints.
    init(repository end: HelmRun.End) {
        let output = String(decoding: end.output, as: UTF8.self).split(separator: "\n")
        let reasons = output.filter { !$0.hasPrefix("Hang tight") && !$0.hasPrefix("Update Complete") }
        let said = [Self.complaint(end.complaint)] + reasons.map { $0.trimmingCharacters(in: .whitespaces) }
        failure = WorkFailure(
            code: end.complaint.contains("did not end within") ? "timed_out" : "chart_not_found",
            message: "helm: \(Self.shortened(said.joined(separator: " ")))"
        )
    }

    /// What helm says when it cannot remove a release.
    init(removal text: String) {
        self.init(text, otherwise: "uninstall_failed")
    }

    /// What helm says when it cannot take back a removal.
    init(wayBack text: String) {
        self.init(text, otherwise: "apply_failed")
    }

    /// What helm says when it cannot tell what a release consists of.
    init(reading text: String) {
        self.init(text, otherwise: "apply_failed")
    }

    private init(_ text: String, otherwise code: String) {
        let code =
            Self.isUnreachable(text) ? Self.unreachable : Self.isUnauthorized(text) ? Self.unauthorized : code
        failure = WorkFailure(code: code, message: Self.sentence(text))
    }

    /// Whether helm says that there is no such release, of which there is nothing to remove or to put back.
    static func isOfNoRelease(_ text: String) -> Bool {
        let (words, missing) = (sentence(text), "release: not found")
        return words == "helm: \(missing)"
            || words.hasPrefix("helm: uninstall: Release not loaded: ") && words.hasSuffix(": \(missing)")
    }

    /// A complaint without the values that nobody may see: a schema's tells of what does not fit a pattern or format.
    private static func withoutConfidentialValues(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { (line: Substring) -> String in
            guard let start = line.firstRange(of: "- at '/")?.upperBound,
                let end = line[start...].firstRange(of: "': ")
            else { return String(line) }
            let path = line[start..<end.lowerBound].split(separator: "/").map(String.init)
            guard ShownValue.isHidden(at: path, String(line[end.upperBound...])) else { return String(line) }
            return String(line[..<end.upperBound]) + "its value is not shown, and is not what the schema wants"
        }
        return lines.joined(separator: "\n")
    }

    /// The last complaint, as a sentence that is not too long.
    static func sentence(_ text: String) -> String { "helm: \(shortened(complaint(text)))" }

    /// The last complaint with everything that belongs to it, without what helm puts before it and without warnings.
    private static func complaint(_ text: String) -> String {
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("level=") }
        guard let last = lines.last else { return "it gave no reason" }
        guard let first = lines.lastIndex(where: { $0.hasPrefix("Error:") }) else { return String(last) }
        return lines[first...].map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
            .dropFirst("Error:".count).trimmingCharacters(in: .whitespaces)
    }

    /// Its beginning and its end, where the reason often stands.
    private static func shortened(_ words: String) -> String {
        guard words.count > 600 else { return words }
        return "\(words.prefix(400)) … \(words.suffix(200))"
    }
}
