import ArgumentParser
import Domain
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
        abstract: "Print the key of a cluster's agent, for SLIPWAY_AGENT_KEY. Needs SLIPWAY_FLEET_KEY. Keep it secret."
    )

    @Argument(help: "The cluster.")
    var cluster: String
    @Option(help: "The key's number, raised when keys are rotated.")
    var keyID: Int32 = 1

    func run() throws {
        let key = try FleetKey(Settings()).clusterKey(cluster, keyID: keyID).base64
        print(keyID == 1 ? key : "\(keyID):\(key)")
    }
}
