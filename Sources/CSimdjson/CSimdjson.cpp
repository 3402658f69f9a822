#include "CSimdjson.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

using namespace simdjson;

struct sj_parser {
    dom::parser parser;
    size_t maximum_bytes;
    std::vector<char> padded;
};

static_assert(sizeof(dom::element) == sizeof(sj_value), "an element is a document and an index");
static_assert(std::is_trivially_copyable<dom::element>::value, "an element can be copied as bytes");

static dom::element element(sj_value value) {
    dom::element out;
    std::memcpy(static_cast<void *>(&out), &value, sizeof(out));
    return out;
}

static sj_value raw(dom::element value) {
    sj_value out;
    std::memcpy(&out, &value, sizeof(out));
    return out;
}

sj_parser *sj_new(size_t maximum_depth, size_t maximum_bytes) {
    auto *parser = new (std::nothrow) sj_parser{dom::parser(maximum_bytes + 64), maximum_bytes, {}};
    if (parser == nullptr) return nullptr;
    if (parser->parser.allocate(64 * 1024, maximum_depth) != SUCCESS) {
        delete parser;
        return nullptr;
    }
    return parser;
}

void sj_free(sj_parser *parser) { delete parser; }

static int code(error_code error) {
    switch (error) {
        case SUCCESS: return SJ_OK;
        case UTF8_ERROR: return SJ_UTF8;
        case DEPTH_ERROR: return SJ_DEPTH;
        case CAPACITY:
        case MEMALLOC: return SJ_CAPACITY;
        case EMPTY: return SJ_EMPTY;
        case NUMBER_ERROR: return SJ_NUMBER;
        default: return SJ_SYNTAX;
    }
}

int sj_parse(sj_parser *parser, const void *bytes, size_t count, sj_value *root) {
    if (count > parser->maximum_bytes) return SJ_CAPACITY;
    if (count == 0) return SJ_EMPTY;
    if (parser->padded.size() < count + SIMDJSON_PADDING) parser->padded.resize(count * 2 + SIMDJSON_PADDING);
    std::memcpy(parser->padded.data(), bytes, count);
    std::memset(parser->padded.data() + count, ' ', SIMDJSON_PADDING);
    dom::element out;
    auto error = parser->parser.parse(parser->padded.data(), count, false).get(out);
    if (error != SUCCESS) return code(error);
    *root = raw(out);
    return SJ_OK;
}

int sj_type(sj_value value) {
    switch (element(value).type()) {
        case dom::element_type::ARRAY: return SJ_ARRAY;
        case dom::element_type::OBJECT: return SJ_OBJECT;
        case dom::element_type::INT64: return SJ_INT;
        case dom::element_type::UINT64: return SJ_UINT;
        case dom::element_type::DOUBLE: return SJ_DOUBLE;
        case dom::element_type::STRING: return SJ_STRING;
        case dom::element_type::BOOL: return SJ_BOOL;
        default: return SJ_NULL;
    }
}

bool sj_int64(sj_value value, int64_t *out) { return element(value).get_int64().get(*out) == SUCCESS; }
bool sj_double(sj_value value, double *out) { return element(value).get_double().get(*out) == SUCCESS; }
bool sj_bool(sj_value value, bool *out) { return element(value).get_bool().get(*out) == SUCCESS; }

bool sj_string(sj_value value, const char **out, size_t *count) {
    std::string_view text;
    if (element(value).get_string().get(text) != SUCCESS) return false;
    *out = text.data();
    *count = text.size();
    return true;
}

bool sj_get(sj_value object, const char *key, size_t count, sj_value *out) {
    dom::object members;
    dom::element found;
    if (element(object).get_object().get(members) != SUCCESS) return false;
    if (members.at_key(std::string_view(key, count)).get(found) != SUCCESS) return false;
    *out = raw(found);
    return true;
}

bool sj_at(sj_value array, size_t index, sj_value *out) {
    dom::array elements;
    dom::element found;
    if (element(array).get_array().get(elements) != SUCCESS || elements.at(index).get(found) != SUCCESS) return false;
    *out = raw(found);
    return true;
}

size_t sj_count(sj_value container) {
    dom::array elements;
    if (element(container).get_array().get(elements) == SUCCESS) return elements.size();
    dom::object members;
    if (element(container).get_object().get(members) == SUCCESS) return members.size();
    return 0;
}

void sj_each_member(sj_value object, sj_member_visitor visit, void *context) {
    dom::object members;
    if (element(object).get_object().get(members) != SUCCESS) return;
    for (auto field : members) {
        if (!visit(context, field.key.data(), field.key.size(), raw(field.value))) return;
    }
}

void sj_each_element(sj_value array, sj_element_visitor visit, void *context) {
    dom::array elements;
    if (element(array).get_array().get(elements) != SUCCESS) return;
    for (auto value : elements) {
        if (!visit(context, raw(value))) return;
    }
}

// Depth is bounded by the parser's limit, so recursion is safe here.
static int check(dom::element value, std::string &path) {
    std::string_view text;
    if (value.get_string().get(text) == SUCCESS) {
        return text.find('\0') == std::string_view::npos ? SJ_CLEAN : SJ_NUL_CHARACTER;
    }
    size_t length = path.size();
    dom::array elements;
    if (value.get_array().get(elements) == SUCCESS) {
        size_t index = 0;
        for (auto child : elements) {
            path += "[" + std::to_string(index++) + "]";
            if (int found = check(child, path)) return found;
            path.resize(length);
        }
        return SJ_CLEAN;
    }
    dom::object members;
    if (value.get_object().get(members) != SUCCESS) return SJ_CLEAN;
    std::vector<std::string_view> keys;
    for (auto field : members) {
        keys.push_back(field.key);
        if (length != 0) path += ".";
        path += field.key;
        if (field.key.find('\0') != std::string_view::npos) return SJ_NUL_CHARACTER;
        if (int found = check(field.value, path)) return found;
        path.resize(length);
    }
    std::sort(keys.begin(), keys.end());
    auto repeated = std::adjacent_find(keys.begin(), keys.end());
    if (repeated == keys.end()) return SJ_CLEAN;
    if (length != 0) path += ".";
    path += *repeated;
    return SJ_DUPLICATE_KEY;
}

int sj_check(sj_value value, char *path, size_t capacity) {
    std::string text;
    int found = check(element(value), text);
    std::replace(text.begin(), text.end(), '\0', '?');
    size_t count = std::min(capacity - 1, text.size());
    std::memcpy(path, text.data(), count);
    path[count] = 0;
    return found;
}
