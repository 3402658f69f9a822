#include "SimdjsonLimit.h"

#include <simdjson.h>

using namespace simdjson;

struct simdjson_limit {
    ondemand::parser parser;
};

size_t simdjson_limit_padding() { return SIMDJSON_PADDING; }
simdjson_limit *simdjson_limit_new() { return new simdjson_limit; }
void simdjson_limit_free(simdjson_limit *limit) { delete limit; }

static bool take(simdjson_result<ondemand::value> value, simdjson_limit_fields *fields, size_t place) {
    std::string_view text;
    if (value.get_string().get(text) != SUCCESS) return false;
    fields->start[place] = reinterpret_cast<const uint8_t *>(text.data());
    fields->count[place] = text.size();
    return true;
}

bool simdjson_limit_read(
    simdjson_limit *limit, const uint8_t *document, size_t count, simdjson_limit_fields *fields) {
    ondemand::document found;
    ondemand::object metadata;
    if (limit->parser.iterate(document, count, count + SIMDJSON_PADDING).get(found) != SUCCESS) return false;
    return take(found["apiVersion"], fields, 0) && take(found["kind"], fields, 1)
        && found["metadata"].get_object().get(metadata) == SUCCESS && take(metadata["name"], fields, 2)
        && take(metadata["namespace"], fields, 3) && take(metadata["uid"], fields, 4)
        && take(metadata["resourceVersion"], fields, 5);
}
