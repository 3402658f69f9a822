#include "Parser.h"

#include <new>
#include <string_view>

using namespace simdjson;

// What a parser keeps between documents; a larger document's buffers are given back by the next one that is not large.
static const size_t usual_bytes = 64 * 1024;
static const size_t large_bytes = 4 * usual_bytes;

static int code(error_code error) noexcept {
    switch (error) {
        case SUCCESS: return SJ_OK;
        case UTF8_ERROR: return SJ_UTF8;
        case DEPTH_ERROR: return SJ_DEPTH;
        case CAPACITY: return SJ_CAPACITY;
        case MEMALLOC: return SJ_MEMORY;
        case EMPTY: return SJ_EMPTY;
        case NUMBER_ERROR: return SJ_NUMBER;
        default: return SJ_SYNTAX;
    }
}

static bool reserve(sj_parser &parser, size_t count) noexcept {
    bool shrinks = parser.padded_capacity > large_bytes + SIMDJSON_PADDING && count <= usual_bytes;
    if (parser.padded_capacity >= count + SIMDJSON_PADDING && !shrinks) return true;
    size_t wanted = (count <= usual_bytes ? usual_bytes : count) + SIMDJSON_PADDING;
    parser.padded_capacity = 0;
    parser.padded.reset(new (std::nothrow) char[wanted]);
    if (parser.padded == nullptr) return false;
    parser.padded_capacity = wanted;
    if (!shrinks) return true;
    parser.parser = dom::parser(parser.maximum_bytes + SIMDJSON_PADDING);
    return parser.parser.allocate(usual_bytes, parser.maximum_depth) == SUCCESS;
}

sj_parser *sj_new(size_t maximum_depth, size_t maximum_bytes) noexcept {
    size_t capacity = maximum_bytes + SIMDJSON_PADDING;
    auto *parser = new (std::nothrow) sj_parser{dom::parser(capacity), maximum_depth, maximum_bytes, nullptr, 0, 0};
    if (parser == nullptr) return nullptr;
    if (parser->parser.allocate(usual_bytes, maximum_depth) == SUCCESS) return parser;
    delete parser;
    return nullptr;
}

void sj_free(sj_parser *parser) noexcept { delete parser; }

int sj_parse(sj_parser *parser, const void *bytes, size_t count, sj_value *root) noexcept {
    parser->count = 0;
    if (count > parser->maximum_bytes) return SJ_CAPACITY;
    if (count == 0) return SJ_EMPTY;
    if (!reserve(*parser, count)) return SJ_MEMORY;
    std::memcpy(parser->padded.get(), bytes, count);
    std::memset(parser->padded.get() + count, ' ', SIMDJSON_PADDING);
    dom::element out;
    auto error = parser->parser.parse(parser->padded.get(), count, false).get(out);
    if (error != SUCCESS) return code(error);
    parser->count = count;
    *root = raw(out);
    return SJ_OK;
}

int sj_type(sj_value value) noexcept {
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

bool sj_int64(sj_value value, int64_t *out) noexcept { return element(value).get_int64().get(*out) == SUCCESS; }
bool sj_double(sj_value value, double *out) noexcept { return element(value).get_double().get(*out) == SUCCESS; }
bool sj_bool(sj_value value, bool *out) noexcept { return element(value).get_bool().get(*out) == SUCCESS; }

static sj_text text(std::string_view view) noexcept {
    return {reinterpret_cast<const uint8_t *>(view.data()), view.size()};
}

static std::string_view view(const uint8_t *bytes, size_t count) noexcept {
    return std::string_view(reinterpret_cast<const char *>(bytes), count);
}

bool sj_string(sj_value value, sj_text *out) noexcept {
    std::string_view found;
    if (element(value).get_string().get(found) != SUCCESS) return false;
    *out = text(found);
    return true;
}

template <typename Word>
static bool same_ends(const void *left, const void *right, size_t count) noexcept {
    Word words[4];
    std::memcpy(&words[0], left, sizeof(Word));
    std::memcpy(&words[1], right, sizeof(Word));
    std::memcpy(&words[2], static_cast<const char *>(left) + count - sizeof(Word), sizeof(Word));
    std::memcpy(&words[3], static_cast<const char *>(right) + count - sizeof(Word), sizeof(Word));
    return ((words[0] ^ words[1]) | (words[2] ^ words[3])) == 0;
}

// Names are short: two words that may overlap compare up to 16 bytes without a call.
static bool same(const void *left, const void *right, size_t count) noexcept {
    if (count > 16) return std::memcmp(left, right, count) == 0;
    if (count >= 8) return same_ends<uint64_t>(left, right, count);
    if (count >= 4) return same_ends<uint32_t>(left, right, count);
    if (count >= 2) return same_ends<uint16_t>(left, right, count);
    return count == 0 || *static_cast<const char *>(left) == *static_cast<const char *>(right);
}

bool sj_equals(sj_value value, const uint8_t *text, size_t count) noexcept {
    std::string_view own;
    if (element(value).get_string().get(own) != SUCCESS || own.size() != count) return false;
    return same(own.data(), text, count);
}

bool sj_get(sj_value object, const uint8_t *key, size_t count, sj_value *out) noexcept {
    dom::object members;
    if (element(object).get_object().get(members) != SUCCESS) return false;
    for (auto member = members.begin(), end = members.end(); member != end; ++member) {
        std::string_view own = member.key();
        if (own.size() != count || !same(own.data(), key, count)) continue;
        *out = raw(member.value());
        return true;
    }
    return false;
}

sj_picked sj_pick(sj_value object, const sj_text *names, size_t count) noexcept {
    sj_picked out = {};
    dom::object members;
    if (element(object).get_object().get(members) != SUCCESS) return out;
    for (auto member = members.begin(), end = members.end(); member != end; ++member) {
        std::string_view key = member.key();
        for (size_t name = 0; name < count; ++name) {
            if (names[name].count != key.size() || out.values[name].document != 0) continue;
            if (!same(names[name].start, key.data(), key.size())) continue;
            out.values[name] = raw(member.value());
            break;
        }
    }
    return out;
}

bool sj_at(sj_value array, size_t index, sj_value *out) noexcept {
    dom::array elements;
    dom::element found;
    if (element(array).get_array().get(elements) != SUCCESS || elements.at(index).get(found) != SUCCESS) return false;
    *out = raw(found);
    return true;
}

// simdjson's own sizes saturate at 2^24 - 1, more than the limit on bytes lets through by default.
size_t sj_count(sj_value container) noexcept {
    dom::array elements;
    if (element(container).get_array().get(elements) == SUCCESS) return elements.size();
    dom::object members;
    if (element(container).get_object().get(members) == SUCCESS) return members.size();
    return 0;
}

sj_cursor sj_elements(sj_value array) noexcept {
    dom::array elements;
    if (element(array).get_array().get(elements) != SUCCESS) return {{0, 0}, {0, 0}};
    return {raw(elements.begin()), raw(elements.end())};
}

bool sj_next_element(sj_cursor *cursor, sj_value *value) noexcept {
    if (cursor->next.index == cursor->end.index) return false;
    auto next = place<dom::array::iterator>(cursor->next);
    *value = raw(*next);
    cursor->next = raw(++next);
    return true;
}

sj_cursor sj_members(sj_value object) noexcept {
    dom::object members;
    if (element(object).get_object().get(members) != SUCCESS) return {{0, 0}, {0, 0}};
    return {raw(members.begin()), raw(members.end())};
}

bool sj_next_member(sj_cursor *cursor, sj_text *name, sj_value *value) noexcept {
    if (cursor->next.index == cursor->end.index) return false;
    auto next = place<dom::object::iterator>(cursor->next);
    *name = text(next.key());
    *value = raw(next.value());
    cursor->next = raw(++next);
    return true;
}
