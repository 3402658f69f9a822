import Foundation

/// A value of a deployment as people may see it: what is confidential is not shown.
public struct ShownValue: Codable, Sendable, Hashable {
    /// Where it stands, such as `image.tag`.
    public let path: String
    /// What it was before, for a difference.
    public let old: String?
    /// What it is; `nil` where it is there no more.
    public let value: String?

    /// Whether what others say of a value is not shown, because the value may stand in it and is confidential.
    ///
    /// - Parameters:
    ///   - path: The names that lead to it.
    ///   - words: What is said.
    public static func isHidden(at path: [String], _ words: String) -> Bool {
        path.contains { ConfidentialValues.isConfidential(name: $0) } || ConfidentialValues.isConfidential(text: words)
    }

    /// Every value of a deployment, path by path.
    ///
    /// - Parameter desired: The desired state as it is stored.
    /// - Returns: `nil` where they cannot be read, as those that a newer version has written.
    public static func all(ofDesired desired: [UInt8]) -> [ShownValue]? {
        guard let state = try? DesiredState(json: desired),
            let all = try? ValuesDiff.between("", state.mergedValues)
        else { return nil }
        return all.changes.map { ShownValue(path: $0.path, old: nil, value: $0.new) }
    }

    /// The differences that are stored with a deployment; `nil` where they cannot be read.
    public static func differences(_ json: [UInt8]) -> [ShownValue]? {
        let changes = try? JSONDecoder().decode([InstancePlan.Change].self, from: Data(json))
        return changes?.map { ShownValue(path: $0.path, old: $0.old, value: $0.new) }
    }
}
