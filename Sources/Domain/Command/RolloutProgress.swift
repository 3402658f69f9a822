import Foundation

/// The pods of a workload as its controller counts them.
struct RolloutCounts: Sendable, Hashable {
    /// Those that are there, of the old template and of the new one.
    let existing: Int64
    /// Those of the new template.
    let updated: Int64
    /// Those that are ready, of either.
    let ready: Int64

    /// Takes counts as an agent told them; Kubernetes keeps them in 32 bits and leaves zeros out.
    init(existing: Int64?, updated: Int64?, ready: Int64?) {
        self.existing = Self.bounded(existing)
        self.updated = Self.bounded(updated)
        self.ready = Self.bounded(ready)
    }

    private static func bounded(_ count: Int64?) -> Int64 { min(max(count ?? 0, 0), Int64(Int32.max)) }

    /// How far the rollout has come: one for each pod of the new template, and one more for each of them that is ready.
    ///
    /// No controller says which of its pods are ready, so the old ones are taken to be: what a rolling update takes
    /// away of them lowers nothing.
    var advance: Int64 {
        let old = max(0, existing - updated)
        return updated + min(updated, max(0, ready - old))
    }
}

extension RolloutCounts {
    private struct Status: Decodable {
        let replicas: Int64?
        let updatedReplicas: Int64?
        let readyReplicas: Int64?
        let currentNumberScheduled: Int64?
        let updatedNumberScheduled: Int64?
        let numberReady: Int64?
    }

    /// Reads the status of a workload; `nil` for other kinds, and for what is none.
    init?(kind: String, status: String?) {
        guard let status, let counts = try? JSONDecoder().decode(Status.self, from: Data(status.utf8)) else {
            return nil
        }
        switch kind {
        case "Deployment", "StatefulSet":
            self.init(existing: counts.replicas, updated: counts.updatedReplicas, ready: counts.readyReplicas)
        case "DaemonSet":
            self.init(
                existing: counts.currentNumberScheduled,
                updated: counts.updatedNumberScheduled,
                ready: counts.numberReady
            )
        default:
            return nil
        }
    }
}

/// An object that a command applied, and how far its rollout was seen to come.
///
/// Its JSON is that of ``AppliedObject`` with one member more, which workers that do not know it leave as it is.
struct WatchedObject: Codable, Sendable, Hashable {
    /// What the agent said.
    var applied: AppliedObject
    /// The most that its rollout has advanced; `nil` before it was seen to.
    var advance: Int64?

    private enum CodingKeys: String, CodingKey {
        case advance
    }

    init(_ applied: AppliedObject, advance: Int64? = nil) {
        self.applied = applied
        self.advance = advance
    }

    init(from decoder: any Decoder) throws {
        applied = try AppliedObject(from: decoder)
        advance = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Int64.self, forKey: .advance)
    }

    func encode(to encoder: any Encoder) throws {
        try applied.encode(to: encoder)
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encodeIfPresent(advance, forKey: .advance)
    }

    /// Reads a command's objects as rows keep them.
    static func list(json: [UInt8]) throws -> [WatchedObject] {
        try JSONDecoder().decode([WatchedObject].self, from: Data(json))
    }

    /// A command's objects as rows keep them.
    static func json(_ objects: [WatchedObject]) throws -> [UInt8] { Array(try JSONEncoder.stable.encode(objects)) }

    /// What an agent applied; where it says so again, what was seen meanwhile stays.
    static func list(_ applied: [AppliedObject], after before: [WatchedObject]) -> [WatchedObject] {
        var advances: [String: Int64] = [:]
        for object in before { advances[object.applied.uid] = object.advance }
        return applied.map { WatchedObject($0, advance: advances[$0.uid]) }
    }
}

/// Whether rollouts advance: a command whose rollout does is given its step's time anew.
enum RolloutProgress {
    /// What was applied, with the most that each rollout has come to; `nil` where none has come further than that.
    ///
    /// What falls back and comes again, such as a pod that is ready before each of its crashes, is no advance.
    static func advanced(_ watched: [WatchedObject], stored: [ObservedObject]) -> [WatchedObject]? {
        let known = StoredObjects(stored.filter { $0.rollout != nil })
        var isAdvanced = false
        var after = watched
        for (place, object) in watched.enumerated() {
            guard let seen = known[object.applied], seen.hasObserved(object.applied),
                let advance = seen.rollout?.advance, advance > object.advance ?? 0
            else { continue }
            after[place].advance = advance
            isAdvanced = true
        }
        return isAdvanced ? after : nil
    }
}

extension Command {
    /// When its present step, or all of it, must be over.
    ///
    /// What is healthy has the time to settle, up to the absolute limit, though its step would be over before.
    var presentDeadline: Int64 {
        guard let step = stepDeadline else { return deadline }
        guard state == .applied, let since = windows.healthySince else { return min(deadline, step) }
        return min(deadline, max(step, since + Int64(timers.settle) * 1_000_000))
    }

    /// Gives the present step its time anew, up to the absolute limit; it never has less than before.
    mutating func extendStep(now: Int64) {
        guard let present = stepDeadline, let seconds = timers.stepSeconds(in: state) else { return }
        stepDeadline = max(present, min(now + Int64(seconds) * 1_000_000, deadline))
    }
}
