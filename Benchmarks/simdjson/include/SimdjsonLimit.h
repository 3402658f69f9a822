// The limit of decoding: simdjson's on-demand API finds six members of a Kubernetes object and nothing else.
#ifndef SLIPWAY_SIMDJSON_LIMIT_H
#define SLIPWAY_SIMDJSON_LIMIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simdjson_limit simdjson_limit;

// apiVersion, kind, and of the metadata name, namespace, uid and resourceVersion.
enum { SIMDJSON_LIMIT_FIELDS = 6 };
typedef struct {
    const uint8_t *_Nullable start[SIMDJSON_LIMIT_FIELDS];
    size_t count[SIMDJSON_LIMIT_FIELDS];
} simdjson_limit_fields;

// How many bytes must be readable behind a document.
size_t simdjson_limit_padding(void);
simdjson_limit *_Nonnull simdjson_limit_new(void);
void simdjson_limit_free(simdjson_limit *_Nonnull limit);
// Whether all six are strings; they are valid until the next call.
bool simdjson_limit_read(
    simdjson_limit *_Nonnull limit, const uint8_t *_Nonnull document, size_t count,
    simdjson_limit_fields *_Nonnull fields);

#ifdef __cplusplus
}
#endif
#endif
