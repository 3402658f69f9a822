/// What a dry run says would happen, as `slipway.command.planned.v1` tells it.
struct PlannedChange: Decodable {
    struct Value: Decodable {
        let path: String
        let kind: String
        let old: String?
        let new: String?
    }

    let fromState: String?
    let toState: String?
    let fromVersion: String?
    let toVersion: String?
    let supersedes: String?
    let values: [Value]
    let objects: [String]
    let warnings: [String]

    /// The plan for people, a line each.
    var lines: [String] {
        var lines = [Self.step("state", fromState, toState), Self.step("version", fromVersion, toVersion)].compactMap {
            $0
        }
        if let supersedes { lines.append("supersedes command \(supersedes)") }
        for value in values {
            let step = [value.old, value.new].compactMap { $0 }.joined(separator: " → ")
            lines.append("value \(value.path) \(value.kind): \(step)")
        }
        if !objects.isEmpty { lines.append("objects: \(objects.joined(separator: ", "))") }
        return lines + warnings
    }

    private static func step(_ what: String, _ old: String?, _ new: String?) -> String? {
        guard old != nil || new != nil else { return nil }
        return old == new ? "\(what) \(old ?? "") stays" : "\(what) \(old ?? "none") → \(new ?? "none")"
    }
}
