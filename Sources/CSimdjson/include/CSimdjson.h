// A C view of simdjson's DOM: parse once, then look things up. No C++ exception leaves these functions.
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

// A place in the parsed document; valid until the parser parses again.
typedef struct {
    uint64_t document;
    uint64_t index;
} sj_value;

// The elements of an array or the members of an object that are still to come.
typedef struct {
    sj_value next;
    sj_value end;
} sj_cursor;

// Bytes inside the parsed document; valid until the parser parses again.
typedef struct {
    const uint8_t *_Nullable start;
    size_t count;
} sj_text;

// The members that were found, in the order of their names.
enum { SJ_MOST_PICKED = 10 };
typedef struct {
    sj_value values[SJ_MOST_PICKED];
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

// Returns null where there is no memory.
sj_parser *_Nullable sj_new(size_t maximum_depth, size_t maximum_bytes) SJ_NOEXCEPT;
void sj_free(sj_parser *_Nonnull parser) SJ_NOEXCEPT;

// Copies the bytes into a padded buffer of the parser and parses them whole.
int sj_parse(
    sj_parser *_Nonnull parser, const void *_Nullable bytes, size_t count, sj_value *_Nonnull root) SJ_NOEXCEPT;

// Looks for a repeated key, U+0000 or half of a surrogate pair; writes the path of the first, cut to `capacity`.
int sj_check(
    sj_value root, uint8_t *_Nonnull path, size_t capacity, size_t *_Nonnull count) SJ_NOEXCEPT;

// Finds the bytes, as they were written, of a member of the object that was parsed last. `found->start` is null where
// there is no such member.
int sj_raw_member(
    sj_parser *_Nonnull parser, const uint8_t *_Nonnull key, size_t count, sj_text *_Nonnull found) SJ_NOEXCEPT;

int sj_type(sj_value value) SJ_NOEXCEPT;
bool sj_int64(sj_value value, int64_t *_Nonnull out) SJ_NOEXCEPT;
bool sj_double(sj_value value, double *_Nonnull out) SJ_NOEXCEPT;
bool sj_bool(sj_value value, bool *_Nonnull out) SJ_NOEXCEPT;
bool sj_string(sj_value value, sj_text *_Nonnull out) SJ_NOEXCEPT;
// Whether a value is a string of exactly these bytes.
bool sj_equals(sj_value value, const uint8_t *_Nonnull text, size_t count) SJ_NOEXCEPT;
bool sj_get(sj_value object, const uint8_t *_Nonnull key, size_t count, sj_value *_Nonnull out) SJ_NOEXCEPT;
// Finds several members of an object in one pass, the first of each name; the document of what is not there is 0.
sj_picked sj_pick(sj_value object, const sj_text *_Nonnull names, size_t count) SJ_NOEXCEPT;
bool sj_at(sj_value array, size_t index, sj_value *_Nonnull out) SJ_NOEXCEPT;
size_t sj_count(sj_value container) SJ_NOEXCEPT;

// A cursor of anything but an array (of anything but an object) is at its end at once.
sj_cursor sj_elements(sj_value array) SJ_NOEXCEPT;
bool sj_next_element(sj_cursor *_Nonnull cursor, sj_value *_Nonnull value) SJ_NOEXCEPT;
sj_cursor sj_members(sj_value object) SJ_NOEXCEPT;
bool sj_next_member(sj_cursor *_Nonnull cursor, sj_text *_Nonnull name, sj_value *_Nonnull value) SJ_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
