@testable import Domain
@testable import FleetCheck
@testable import WorkerRuntime

/// What was seen of a run while it went on: numbers that may only rise, and offsets.
struct Samples {
    private(set) var taken: [Sample] = []
    private var next: Int64 = 0
    private static let period: Int64 = 30_000_000

    mutating func take(_ world: World, isLast: Bool = false) {
        guard world.now >= next || isLast else { return }
        next = world.now + Self.period
        var rising: [String: Int64] = [:]
        var claimed: [String: Int64] = [:]
        for (name, row) in world.database.claims.rows {
            rising["epoch of \(name.topic)-\(name.partition)"] = row.epoch
            rising["offset of \(name.topic)-\(name.partition)"] = row.nextOffset
            rising["consumed of \(name.topic)-\(name.partition)"] = Int64(row.tally.consumed)
            claimed["\(name.topic)-\(name.partition)"] = row.nextOffset
        }
        for (name, cluster) in world.database.clusters.rows { rising["epoch of \(name)"] = cluster.agent.epoch }
        for (stream, state) in world.database.streams.rows {
            rising["position of \(stream.namespace)"] = state.position.epoch << 32 + state.position.sequence
        }
        for (name, entry) in world.database.instances.rows {
            rising["revision of \(name.environment)/\(name.name)"] = entry.revision
        }
        taken.append(
            Sample(at: world.now / 1000, rising: rising, committed: world.broker.committed, claimed: claimed)
        )
    }
}
