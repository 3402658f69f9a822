// A C view of JSON: simdjson finds what is structure and checks UTF-8, one pass over that makes nodes. No C++ exception
// leaves these functions.
#ifndef SLIPWAY_CSIMDJSON_H
#define SLIPWAY_CSIMDJSON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define SJ_NOEXCEPT noexcept
extern "C" {
#else
#define SJ_NOEXCEPT
#endif

typedef struct sj_parser sj_parser;

// A value, or the key of a member, of the parsed document; valid until the parser parses again.
//
// Nodes lie in the order of the text: behind an array its elements, behind an object key and value by turns, each value
// with all that is in it. `text` has readable memory for 8 bytes whatever its length.
typedef struct sj_node {
    // How many nodes on the next value beside this one lies.
    uint32_t next;
    // The kind in the lower 4 bits; above them the number of bytes of a string.
    uint32_t shape;
    union {
        const uint8_t *_Nonnull text;
        int64_t integer;
        uint64_t natural;
        double real;
        uint64_t truth;
    };
} sj_node;

// Bytes inside the parsed document; valid until the parser parses again.
typedef struct {
    const uint8_t *_Nullable start;
    size_t count;
} sj_text;

// The name of a member with its first and last 8 bytes as numbers, so that they are compared at once; `mask` has the bits
// of `head` that count.
typedef struct {
    const uint8_t *_Nonnull start;
    size_t count;
    uint64_t head;
    uint64_t mask;
    uint64_t tail;
} sj_name;

// The members that were found, in the order of their names; null where there is none.
enum { SJ_MOST_PICKED = 10 };
typedef struct {
    const sj_node *_Nullable values[SJ_MOST_PICKED];
} sj_picked;

enum {
    SJ_OK = 0,
    SJ_UTF8 = 1,
    SJ_DEPTH = 2,
    SJ_CAPACITY = 3,
    SJ_EMPTY = 4,
    SJ_NUMBER = 5,
    SJ_SYNTAX = 6,
    SJ_MEMORY = 7,
    SJ_DUPLICATE_KEY = 8,
    SJ_NUL_CHARACTER = 9,
    SJ_SURROGATE = 10
};

enum {
    SJ_NULL = 0,
    SJ_BOOL = 1,
    SJ_INT = 2,
    SJ_UINT = 3,
    SJ_DOUBLE = 4,
    SJ_STRING = 5,
    SJ_ARRAY = 6,
    SJ_OBJECT = 7
};

// `maximum_bytes` is less than 2^28 + 1. Returns null where there is no memory.
sj_parser *_Nullable sj_new(size_t maximum_depth, size_t maximum_bytes) SJ_NOEXCEPT;
void sj_free(sj_parser *_Nonnull parser) SJ_NOEXCEPT;

// Copies the bytes into a padded buffer of the parser and parses them whole.
int sj_parse(
    sj_parser *_Nonnull parser, const void *_Nullable bytes, size_t count,
    const sj_node *_Nullable *_Nonnull root) SJ_NOEXCEPT;

// Whether the document that was parsed last has a backslash.
bool sj_has_backslash(const sj_parser *_Nonnull parser) SJ_NOEXCEPT;

// Looks for a repeated key, U+0000 or half of a surrogate pair; writes the path of the first, cut to `capacity`.
int sj_check(
    const sj_node *_Nonnull root, uint8_t *_Nonnull path, size_t capacity, size_t *_Nonnull count) SJ_NOEXCEPT;

// Finds the bytes, as they were written, of a member of the object that was parsed last. `found->start` is null where
// there is no such member.
int sj_raw_member(
    sj_parser *_Nonnull parser, const uint8_t *_Nonnull key, size_t count, sj_text *_Nonnull found) SJ_NOEXCEPT;

// Whether a value is a string of exactly these bytes.
bool sj_equals(const sj_node *_Nonnull value, const uint8_t *_Nonnull text, size_t count) SJ_NOEXCEPT;
// Makes a name of bytes, which are not copied.
sj_name sj_named(const uint8_t *_Nonnull text, size_t count) SJ_NOEXCEPT;
// Finds a member of an object, the first of its name; null where there is none.
const sj_node *_Nullable sj_get(const sj_node *_Nonnull object, sj_name name) SJ_NOEXCEPT;
// Finds several members of an object in one pass, the first of each name.
sj_picked sj_pick(const sj_node *_Nonnull object, const sj_name *_Nonnull names, size_t count) SJ_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
