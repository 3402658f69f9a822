#include "Parser.h"

#include <string_view>

using namespace simdjson;

// Nodes forget how a value was written, so the parser's buffer, known to be valid, is read once more on demand.
int sj_raw_member(sj_parser *parser, const uint8_t *key, size_t count, sj_text *found) noexcept {
    *found = {nullptr, 0};
    std::string_view wanted(reinterpret_cast<const char *>(key), count);
    try {
        ondemand::parser reader;
        ondemand::document document;
        ondemand::object object;
        padded_string_view bytes(parser->padded.get(), parser->count, parser->capacity + SIMDJSON_PADDING);
        if (reader.iterate(bytes).get(document) != SUCCESS) return SJ_SYNTAX;
        if (document.get_object().get(object) != SUCCESS) return SJ_OK;
        for (auto result : object) {
            ondemand::field field;
            std::string_view name;
            std::string_view json;
            if (std::move(result).get(field) != SUCCESS) return SJ_SYNTAX;
            if (field.unescaped_key().get(name) != SUCCESS) return SJ_SYNTAX;
            if (name != wanted) continue;
            ondemand::value value = std::move(field).value();
            if (to_json_string(value).get(json) != SUCCESS) return SJ_SYNTAX;
            json.remove_suffix(json.size() - 1 - json.find_last_not_of(" \t\n\r"));
            *found = {reinterpret_cast<const uint8_t *>(json.data()), json.size()};
            return SJ_OK;
        }
        return SJ_OK;
    } catch (...) {
        return SJ_MEMORY;
    }
}
