import Domain

/// What helm says when it fails, as a code and a sentence.
struct HelmComplaint {
    let failure: WorkFailure

    private static let codes: [(text: String, code: String)] = [
        ("must have at most 1048576", "chart_too_large"),
        ("did not end within", "timed_out"),
        ("values don't meet the specifications", "values_refused"),
        ("hooks failed", "hook_failed"), ("failed pre-", "hook_failed"), ("failed post-", "hook_failed"),
        ("post-renderer", "render_failed"), ("YAML parse error", "render_failed"), ("parse error", "render_failed"),
        ("execution error", "render_failed"), ("template:", "render_failed"),
        ("unable to build kubernetes", "render_failed"),
        ("chart not found", "chart_not_found"), ("no chart", "chart_not_found"), ("path \"", "chart_not_found"),
        ("looks like \"", "chart_not_found"), ("failed to download", "chart_not_found"),
        ("failed to fetch", "chart_not_found"), ("repo ", "chart_not_found"),
        ("Chart.yaml file is missing", "chart_not_found"),
    ]

    init(_ text: String, of request: ReleaseRequested) {
        let code = Self.codes.first { text.contains($0.text) }?.code ?? "apply_failed"
        let message =
            code == "chart_too_large"
            ? "The release's manifests are more than the 1 MiB, compressed, that helm keeps in a Secret; split the chart."
            : Self.sentence(text)
        failure = WorkFailure(code: code, message: message)
    }

    /// The last complaint, without what helm puts before it.
    static func sentence(_ text: String) -> String {
        let lines = text.split(separator: "\n").map(String.init)
        let line = lines.last { $0.hasPrefix("Error:") } ?? lines.last ?? "it gave no reason"
        let words = line.hasPrefix("Error:") ? line.dropFirst("Error:".count).drop { $0 == " " } : line[...]
        return "helm: \(words.prefix(600))"
    }
}
