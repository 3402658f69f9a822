// simdjson's own DOM parser, to compare with.
#ifndef SLIPWAY_SIMDJSON_REFERENCE_H
#define SLIPWAY_SIMDJSON_REFERENCE_H
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Whether simdjson takes the bytes as a document of at most 64 levels.
bool simdjson_takes(const void *_Nonnull bytes, size_t count);

#ifdef __cplusplus
}
#endif
#endif
