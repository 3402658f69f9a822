#include "SimdjsonReference.h"

#include <simdjson.h>

bool simdjson_takes(const void *bytes, size_t count) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    // It counts the root as a level of its own.
    if (parser.allocate(1 << 20, 65) != simdjson::SUCCESS) return false;
    return parser.parse(static_cast<const char *>(bytes), count).get(root) == simdjson::SUCCESS;
}
