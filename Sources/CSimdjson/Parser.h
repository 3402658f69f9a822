// What the files of this target share; not part of the C interface.
#ifndef SLIPWAY_CSIMDJSON_PARSER_H
#define SLIPWAY_CSIMDJSON_PARSER_H

#include "CSimdjson.h"

#include <simdjson.h>

#include <cstring>
#include <memory>
#include <string_view>

struct sj_parser {
    size_t maximum_depth;
    size_t maximum_bytes;
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
    // The document with its padding, and what its strings with escapes stand for.
    std::unique_ptr<uint8_t[]> padded;
    std::unique_ptr<uint8_t[]> unescaped;
    // Where the next of these goes.
    uint8_t *unescaped_end;
    // Bytes that the buffers above have, without their padding.
    size_t capacity;
    std::unique_ptr<sj_node[]> nodes;
    size_t node_capacity;
    // The length of the document that was parsed last; 0 where it was refused.
    size_t count;
    bool has_backslash;
};

// Makes the nodes of a document whose structure was found; returns SJ_OK or what is wrong.
int sj_make_nodes(sj_parser &parser) noexcept;

inline uint32_t kind(const sj_node &node) noexcept { return node.shape & 15; }
inline uint32_t size(const sj_node &node) noexcept { return node.shape >> 4; }
inline std::string_view view(const sj_node &node) noexcept {
    return {reinterpret_cast<const char *>(node.text), size(node)};
}

#endif
