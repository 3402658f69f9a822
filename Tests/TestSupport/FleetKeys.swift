import Domain

/// The keys of a test's fleet.
public enum FleetKeys {
    /// The key of a cluster's agent, derived from the fleet's key of the environment.
    public static func clusterKey(_ cluster: String, environment: [String: String]) throws -> String {
        try FleetKey(base64: environment["SLIPWAY_FLEET_KEY"] ?? "").clusterKey(cluster, keyID: 1).base64
    }
}
