import Domain
import WorkerRuntime

/// What a release is made of, told apart without keeping its values, which may hold secrets.
struct ReleaseForm: Codable, Sendable, Hashable {
    /// Application, version, image, chart and values.
    let content: UInt64
    /// The content and what else stands in the pods' template: pods are rolled when it changes.
    let template: UInt64
    let isStopped: Bool

    init(_ request: ReleaseRequested) {
        let chart = request.chart
        let parts = [
            request.application, request.version, request.image ?? "", chart?.repository ?? "", chart?.name ?? "",
            chart?.version ?? "", request.values,
        ]
        content = StableHash.of(parts.joined(separator: "\u{0}"))
        let registries = (request.registrySecrets ?? []).map(\.name).joined(separator: "\u{0}")
        template = StableHash.of("\(content)\u{0}\(request.restart ?? "")\u{0}\(registries)")
        isStopped = request.stopped == true
    }
}
