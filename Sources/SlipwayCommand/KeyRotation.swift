import ArgumentParser
import Domain
import Foundation
import Postgres
import WorkerRuntime

struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Rotate the keys of clusters' agents, two being valid at a time.",
        discussion: """
            1. 'slipway keys rotate <cluster>' makes the next key valid beside the present one and prints what to set
               SLIPWAY_AGENT_KEY to. Needs SLIPWAY_FLEET_KEY.
            2. Start the agent anew with it: from its hello on, both sides sign with the new key.
            3. 'slipway keys retire <cluster>' ends the old one.
            """,
        subcommands: [List.self, Rotate.self, Retire.self],
        defaultSubcommand: List.self
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show which keys are valid and which the agents use.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        struct Row: Encodable {
            let cluster: String
            let key: Int32
            let previous: Int32?
            let previousUntil: String?
            let agent: Int32?
        }

        func run() throws {
            let database = try connection.connect()
            let rows = try ClusterKeyRotation.all(on: database).map { cluster, keys in
                Row(
                    cluster: cluster,
                    key: keys.current,
                    previous: keys.previous,
                    previousUntil: keys.previousUntil.map(Keys.time),
                    agent: keys.agent
                )
            }
            database.close()
            if output.json { return try printJSON(rows) }
            Terminal().table(
                ["CLUSTER", "KEY", "ALSO VALID", "UNTIL", "AGENT USES"],
                rows.map { row in
                    [
                        row.cluster, String(row.key), row.previous.map(String.init) ?? "-",
                        row.previous == nil ? "-" : row.previousUntil ?? "retired",
                        row.agent.map(String.init) ?? "never seen",
                    ]
                }
            )
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a cluster's next key valid and print it, for SLIPWAY_AGENT_KEY. Keep it secret."
        )

        @Argument(help: "The cluster.")
        var cluster: String
        @Option(help: "How many hours the present key stays valid; without it, until 'slipway keys retire'.")
        var keepHours: Int?
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (0...24 * 365).contains(keepHours ?? 0) else {
                throw ValidationError("--keep-hours should be from 0 to \(24 * 365).")
            }
        }

        func run() throws {
            let fleetKey = try FleetKey(connection.settings)
            let database = try connection.connect()
            let keys = try Keys.changing {
                try ClusterKeyRotation.rotate(
                    cluster,
                    keep: keepHours.map { .seconds($0 * 3600) },
                    audit: AuditEntry(act: "keys.rotate", subject: cluster, "cluster"),
                    on: database
                )
            }
            database.close()
            // The one before comes along, so that commands that are on their way are followed.
            let numbers = [keys.current] + [keys.previous].compactMap { $0 }
            print(numbers.map { "\($0):\(fleetKey.clusterKey(cluster, keyID: $0).base64)" }.joined(separator: ","))
            Keys.note(
                "Key \(keys.current) of '\(cluster)' is valid now, key \(keys.current - 1) "
                    + (keys.previousUntil.map { "until \(Keys.time($0))" } ?? "until 'slipway keys retire \(cluster)'")
                    + ". Set the agent's SLIPWAY_AGENT_KEY to the line above and start it anew."
            )
        }
    }

    struct Retire: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End the validity of a cluster's previous key.")

        @Argument(help: "The cluster.")
        var cluster: String
        @Flag(help: "Also when the agent uses it: it is locked out until it gets the present key.")
        var force = false
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let database = try connection.connect()
            let keys = try Keys.changing {
                try ClusterKeyRotation.retire(
                    cluster,
                    isForced: force,
                    audit: AuditEntry(act: "keys.retire", subject: cluster, "cluster"),
                    on: database
                )
            }
            database.close()
            Keys.note("Key \(keys.current) is the only valid key of '\(cluster)' now.")
        }
    }

    /// A refusal as the sentence that a user reads.
    private static func changing(_ body: () throws -> ClusterKeys) throws -> ClusterKeys {
        do {
            return try body()
        } catch let reason as Reason {
            throw StartError(reason.sentence)
        }
    }

    private static func note(_ sentence: String) {
        FileHandle.standardError.write(Data((sentence + "\n").utf8))
    }

    private static func time(_ microseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(microseconds / 1_000_000)).formatted(.iso8601)
    }
}
