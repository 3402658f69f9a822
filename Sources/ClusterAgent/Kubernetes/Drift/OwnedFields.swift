import Domain
import WorkerRuntime

/// Which fields of an object are set by those through whom Slipway works, told apart without keeping what they hold.
///
/// The API server notes of each field who has set it. Who changes one takes it over, and who removes one takes it away: then
/// Slipway's own are others than after it applied the object. What controllers set beside them, such as a status, defaults
/// or an address, is theirs and changes nothing here.
enum OwnedFields {
    /// The agent's own field manager, and helm's.
    static let managers: Set<String> = ["slipway", "helm"]

    /// A digest of the fields; `nil` where the object says nothing of them.
    static func digest(of object: ObjectValue) -> String? {
        let entries = (object.path("metadata", "managedFields")?.elements ?? []).filter { entry in
            entry["operation"]?.string == "Apply" && managers.contains(entry["manager"]?.string ?? "")
        }
        guard !entries.isEmpty else { return nil }
        let texts = entries.map { entry in
            let fields = entry["fieldsV1"].map { String(decoding: $0.json, as: UTF8.self) } ?? ""
            return "\(entry["manager"]?.string ?? "") \(fields)"
        }
        return String(StableHash.of(texts.sorted().joined(separator: "\n")), radix: 16)
    }
}
