#ifndef CRDKAFKA_SHIM_H
#define CRDKAFKA_SHIM_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

// The variadic push of one error with its delay, for a single broker.
static inline rd_kafka_resp_err_t crdkafka_mock_push_delay(
    rd_kafka_mock_cluster_t *cluster, int32_t broker, int16_t api_key, rd_kafka_resp_err_t error, int delay_ms) {
    return rd_kafka_mock_broker_push_request_error_rtts(cluster, broker, api_key, 1, error, delay_ms);
}

// A record's tag travels as the message's opaque pointer; it is a number and is never dereferenced.
static inline void *crdkafka_tag_pointer(uint64_t tag) {
    return (void *)(uintptr_t)tag;
}

// The tag of a delivery report.
static inline uint64_t crdkafka_message_tag(const rd_kafka_message_t *message) {
    return (uint64_t)(uintptr_t)message->_private;
}

#endif
