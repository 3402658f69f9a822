import TestSupport

extension FleetWorld {
    /// Asks for a project by a message on a partition of the test's choice.
    func createProject(_ name: String, on partition: Int32) throws {
        try send(
            "deployment.requests",
            key: name,
            type: "slipway.project.create.v1",
            id: name,
            value: Array(#"{"project":"\#(name)"}"#.utf8),
            partition: partition
        )
    }
}
