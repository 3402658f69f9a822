// What the files of this target share; not part of the C interface.
#ifndef SLIPWAY_CSIMDJSON_PARSER_H
#define SLIPWAY_CSIMDJSON_PARSER_H

#include "CSimdjson.h"

#include <simdjson.h>

#include <cstring>
#include <memory>
#include <type_traits>

struct sj_parser {
    simdjson::dom::parser parser;
    size_t maximum_depth;
    size_t maximum_bytes;
    std::unique_ptr<char[]> padded;
    size_t padded_capacity;
    size_t count;
};

// An element, and an iterator, is a pointer to the document and an index into it: both cross the border as bytes.
template <typename Place>
sj_value raw(const Place &place) noexcept {
    static_assert(sizeof(Place) == sizeof(sj_value), "a place is a document and an index");
    static_assert(std::is_trivially_copyable<Place>::value, "a place can be copied as bytes");
    sj_value out;
    std::memcpy(&out, &place, sizeof(out));
    return out;
}

template <typename Place>
Place place(sj_value value) noexcept {
    static_assert(sizeof(Place) == sizeof(sj_value), "a place is a document and an index");
    Place out;
    std::memcpy(static_cast<void *>(&out), &value, sizeof(out));
    return out;
}

inline simdjson::dom::element element(sj_value value) noexcept { return place<simdjson::dom::element>(value); }

#endif
