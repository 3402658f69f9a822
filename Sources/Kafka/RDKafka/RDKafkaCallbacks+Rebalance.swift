import CRdkafka
import Glibc

extension RDKafkaCallbacks {
    /// Only records the rebalance and makes the poll return: the owner answers outside the callback, at its own pace.
    static let rebalanced:
        @convention(c) (
            OpaquePointer?, rd_kafka_resp_err_t, UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
            UnsafeMutableRawPointer?
        ) -> Void = { client, code, list, opaque in
            guard let client, let list, let callbacks = of(opaque) else { return }
            guard !callbacks.isClosing else { return answerWhileClosing(client, code, list) }
            let partitions = RDKafkaPartitionList.partitions(of: list).sorted()
            switch code {
            case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
                callbacks.rebalances.append(.assigned(partitions))
            case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
                callbacks.rebalances.append(.revoked(partitions, isLost: rd_kafka_assignment_lost(client) != 0))
            default:
                rd_kafka_assign(client, nil)
                callbacks.rebalances.append(
                    .failure(KafkaError(KafkaError.Code(code), operation: "take part in the rebalance"))
                )
            }
            rd_kafka_yield(client)
        }

    /// A closing consumer gives up everything, and takes nothing.
    private static func answerWhileClosing(
        _ client: OpaquePointer,
        _ code: rd_kafka_resp_err_t,
        _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>
    ) {
        let isCooperative = rd_kafka_rebalance_protocol(client).map { strcmp($0, "COOPERATIVE") == 0 } ?? false
        if isCooperative, code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS {
            // Refused only when nothing was assigned, and then there is nothing to give up.
            if let error = rd_kafka_incremental_unassign(client, list) { rd_kafka_error_destroy(error) }
        } else {
            rd_kafka_assign(client, nil)
        }
    }
}
