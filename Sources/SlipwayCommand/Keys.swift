import ArgumentParser
import Domain
import Postgres
import WorkerRuntime

struct FleetKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-key",
        abstract: "Print a fresh fleet key, for SLIPWAY_FLEET_KEY. Keep it secret."
    )

    func run() {
        print(FleetKey.random())
    }
}

struct ClusterKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster-key",
        abstract: "Print the key of a cluster's agent, for SLIPWAY_AGENT_KEY. Needs SLIPWAY_FLEET_KEY. Keep it secret.",
        discussion: "Where SLIPWAY_DATABASE_URL is set, it is the newest key of the cluster as it is registered."
    )

    @Argument(help: "The cluster.")
    var cluster: String
    @Option(help: "The key's number; the newest where the database is known, 1 otherwise.")
    var keyID: Int32?
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard let keyID, keyID < 1 else { return }
        throw ValidationError("'--key-id \(keyID)' should be a number, at least 1.")
    }

    func run() throws {
        let number = try keyID ?? newest() ?? 1
        let key = try FleetKey(connection.settings).clusterKey(cluster, keyID: number).base64
        print(number == 1 ? key : "\(number):\(key)")
    }

    /// The number of the cluster's newest key; `nil` where no database is named or the cluster is not registered yet.
    private func newest() throws -> Int32? {
        guard connection.settings.text("DATABASE_URL") != nil else { return nil }
        let database = try connection.connect()
        defer { database.close() }
        let rows = try database.query("select key_id from cluster where cluster = $1", [.text(cluster)])
        return try rows.first.map { Int32(try $0.int64(0)) }
    }
}
