public import WorkerRuntime

/// Checks agents' signatures with keys derived from the fleet's; keeps derived keys.
///
/// Not sendable: one a lane.
public final class AgentSignatures: SignatureVerifier {
    private let fleetKey: FleetKey
    private var keys: [Identity: SigningKey] = [:]
    /// The key of the message before: most follow others of their cluster.
    private var latest: (identity: Identity, key: SigningKey)?

    private struct Identity: Hashable {
        let cluster: String
        let keyID: Int32
    }

    /// Makes a verifier.
    public init(_ fleetKey: FleetKey) {
        self.fleetKey = fleetKey
    }

    /// Checks the signature with the key of the cluster and the number that it names.
    public func verify(_ message: KafkaMessageView, from cluster: String) throws(Reason) -> Int32 {
        guard let signature = message.withHeader("slipway-signature", MessageSignature.init(bytes:)) else {
            throw Reason(
                code: "bad_signature",
                sentence: "The header 'slipway-signature' is missing; agents sign every message.",
                field: MessageSignature.header
            )
        }
        guard let signature, let parts = SignedParts(.fromAgent, of: message),
            key(cluster, signature.keyID).verifies(signature, of: parts)
        else {
            throw Reason(
                code: "bad_signature",
                sentence: "The signature is not that of the cluster '\(cluster.prefix(80))'.",
                field: MessageSignature.header
            )
        }
        return signature.keyID
    }

    private func key(_ cluster: String, _ keyID: Int32) -> SigningKey {
        let name = Identity(cluster: cluster, keyID: keyID)
        if let latest, latest.identity == name { return latest.key }
        let key = keys[name] ?? fleetKey.clusterKey(cluster, keyID: keyID)
        if keys.count > 10_000 { keys.removeAll() }
        keys[name] = key
        latest = (name, key)
        return key
    }
}
