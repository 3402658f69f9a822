public import Domain
public import Kafka

extension ResourceLoad {
    /// Signed and numbered records of `resource.changes`, as an agent would send them, for benchmarks that have no agent.
    ///
    /// Each namespace's stream is numbered from 1 in the epoch, so that one call makes whole streams.
    /// - Parameters:
    ///   - count: How many.
    ///   - cluster: The cluster's name, as in the database.
    ///   - epoch: The epoch that the database has for the cluster.
    ///   - time: Microseconds since 1970.
    public mutating func records(
        _ count: Int,
        cluster: String,
        epoch: Int64,
        key: SigningKey,
        keyID: Int32 = 1,
        topicPrefix: String,
        time: Int64
    ) -> [KafkaRecord] {
        let signer = MessageSigner(cluster: cluster, key: key, keyID: keyID, topicPrefix: topicPrefix)
        var sequences: [String: Int64] = [:]
        return (0..<count).map { index in
            let change = next()
            let sequence = (sequences[change.namespace] ?? 0) + 1
            sequences[change.namespace] = sequence
            return signer.record(
                of: AgentMessage(
                    topic: AgentMessage.changes,
                    key: "\(cluster)/\(change.namespace)",
                    type: ResourceChangeType.changed,
                    id: "load.\(epoch).\(index)",
                    epoch: epoch,
                    sequence: sequence,
                    instance: change.instance,
                    data: change.data,
                    time: time
                )
            )
        }
    }
}
