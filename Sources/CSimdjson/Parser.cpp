#include "Parser.h"

#include <new>

using namespace simdjson;

// What a parser keeps between documents; a larger document's buffers are given back by the next one that is not large.
static const size_t usual_bytes = 64 * 1024;
static const size_t large_bytes = 4 * usual_bytes;

static int code(error_code error) noexcept {
    switch (error) {
        case SUCCESS: return SJ_OK;
        case UTF8_ERROR: return SJ_UTF8;
        case CAPACITY: return SJ_CAPACITY;
        case MEMALLOC: return SJ_MEMORY;
        case EMPTY: return SJ_EMPTY;
        default: return SJ_SYNTAX;
    }
}

template <typename Element>
static bool renew(std::unique_ptr<Element[]> &buffer, size_t count) noexcept {
    buffer.reset();
    buffer.reset(new (std::nothrow) Element[count]);
    return buffer != nullptr;
}

static bool allocate(sj_parser &parser, size_t bytes) noexcept {
    parser.capacity = 0;
    if (!renew(parser.padded, bytes + SIMDJSON_PADDING) || !renew(parser.unescaped, bytes + SIMDJSON_PADDING)) return false;
    auto &implementation = get_active_implementation();
    if (implementation->create_dom_parser_implementation(bytes, parser.maximum_depth, parser.stage) != SUCCESS) return false;
    parser.capacity = bytes;
    return true;
}

static bool reserve(sj_parser &parser, size_t count) noexcept {
    bool shrinks = parser.capacity > large_bytes && count <= usual_bytes;
    if (parser.capacity >= count && !shrinks) return true;
    if (shrinks) {
        parser.node_capacity = 0;
        parser.nodes.reset();
    }
    return allocate(parser, count <= usual_bytes ? usual_bytes : count);
}

// Each node begins at a place of its own that stage 1 found.
static bool reserve_nodes(sj_parser &parser) noexcept {
    size_t wanted = parser.stage->n_structural_indexes;
    if (parser.node_capacity >= wanted) return true;
    parser.node_capacity = 0;
    size_t count = wanted < usual_bytes / 16 ? usual_bytes / 16 : wanted;
    if (!renew(parser.nodes, count)) return false;
    parser.node_capacity = count;
    return true;
}

sj_parser *sj_new(size_t maximum_depth, size_t maximum_bytes) noexcept {
    auto *parser = new (std::nothrow) sj_parser{maximum_depth, maximum_bytes};
    if (parser == nullptr) return nullptr;
    if (allocate(*parser, usual_bytes)) return parser;
    delete parser;
    return nullptr;
}

void sj_free(sj_parser *parser) noexcept { delete parser; }

int sj_parse(sj_parser *parser, const void *bytes, size_t count, const sj_node **root) noexcept {
    *root = nullptr;
    parser->count = 0;
    if (count > parser->maximum_bytes) return SJ_CAPACITY;
    if (count == 0) return SJ_EMPTY;
    if (!reserve(*parser, count)) return SJ_MEMORY;
    std::memcpy(parser->padded.get(), bytes, count);
    std::memset(parser->padded.get() + count, ' ', SIMDJSON_PADDING);
    auto error = parser->stage->stage1(parser->padded.get(), count, stage1_mode::regular);
    if (error != SUCCESS) return code(error);
    if (!reserve_nodes(*parser)) return SJ_MEMORY;
    parser->has_backslash = std::memchr(parser->padded.get(), '\\', count) != nullptr;
    if (int found = sj_make_nodes(*parser)) return found;
    parser->count = count;
    *root = parser->nodes.get();
    return SJ_OK;
}

bool sj_has_backslash(const sj_parser *parser) noexcept { return parser->has_backslash; }
