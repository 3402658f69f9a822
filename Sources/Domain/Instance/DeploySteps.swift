import WorkerRuntime

/// What is decided of a deploy request without the database, for a program that counts what it costs.
package struct DeploySteps {
    private let handler: DeploymentRequestHandler
    private let release = KnownRelease(
        version: "1.4.2",
        image: "registry.example/shop/web:1.4.2",
        values: "replicaCount: 1\nimage:\n  pullPolicy: IfNotPresent\nresources:\n  limits:\n    memory: 256Mi\n"
    )

    /// Decides as a handler of requests does.
    package init(_ handler: DeploymentRequestHandler) {
        self.handler = handler
    }

    /// Reads a request that replaces what its instance runs, and makes what the instance is to be as its row keeps it.
    ///
    /// - Returns: How many bytes that has.
    package func decide(_ message: KafkaMessageView) throws -> Int {
        let input = try handler.decode(message)
        guard let request = try input.body.get() as? DeployInstance else { return 0 }
        let base = try DesiredState(application: request.application, version: "1.4.1", release: release, values: "")
        let wanted = try DesiredState(
            application: request.application,
            version: request.version,
            release: release,
            values: request.values ?? ""
        )
        let next = base.taking(wanted)
        return try base.isUnchanged(in: next) ? 0 : next.json.count
    }
}
