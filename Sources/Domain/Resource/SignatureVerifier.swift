public import WorkerRuntime

/// Tells whether an agent's message comes from the cluster that its key names.
///
/// Pure: it knows keys by derivation. Whether the key's number is valid now is for the handler to ask the database, see
/// ``ClusterKeys``.
public protocol SignatureVerifier {
    /// Checks a message's signature.
    ///
    /// - Parameter cluster: The cluster, taken from the Kafka key alone.
    /// - Returns: The number of the cluster's key that signed it.
    /// - Throws: A reason if the signature is missing, not readable or not the cluster's.
    func verify(_ message: KafkaMessageView, from cluster: String) throws(Reason) -> Int32
}
