import Postgres

@testable import Domain

/// Time that passes, as a timekeeper lets it.
extension CommandWorld {
    /// A timekeeper that goes by the progress that ``read(status:changes:)`` notes.
    func timekeeper(
        lease: Int = 30,
        certificateDays: Int = Timekeeper.defaultCertificateDays
    ) -> Timekeeper {
        Timekeeper(
            fleetKey: fleetKey,
            leaseSeconds: lease,
            agentGroup: "agents",
            resourceGroup: "resources",
            certificateDays: certificateDays
        )
    }

    /// Notes up to when the agents' messages were read, and what they tell of objects.
    func read(status: String?, changes: String?) throws {
        try connection.script(
            """
            delete from partition_claim;
            insert into partition_claim (consumer_group, topic, partition, next_offset, consumed_until)
            values ('agents', 'agent.status', 0, 0, \(status ?? "null")),
                ('resources', 'resource.changes', 0, 0, \(changes ?? "null"))
            """
        )
    }

    /// One round of a timekeeper that believes everything to be read up to now, unless told otherwise.
    @discardableResult
    func passTime(consumedUntil: String? = "now()", changesUntil: String? = "now()", lease: Int = 30) throws -> Bool {
        try read(status: consumedUntil, changes: changesUntil)
        return try timekeeper(lease: lease).round(on: connection)
    }
}
