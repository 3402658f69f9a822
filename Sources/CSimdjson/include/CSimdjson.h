// A C view of simdjson's DOM: parse once, then look things up. No exception leaves these functions.
#ifndef SLIPWAY_CSIMDJSON_H
#define SLIPWAY_CSIMDJSON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sj_parser sj_parser;

// A place in the parsed document; valid until the parser parses again.
typedef struct {
    uint64_t document;
    uint64_t index;
} sj_value;

enum { SJ_OK = 0, SJ_UTF8 = 1, SJ_DEPTH = 2, SJ_CAPACITY = 3, SJ_EMPTY = 4, SJ_NUMBER = 5, SJ_SYNTAX = 6 };
enum { SJ_NULL = 0, SJ_BOOL = 1, SJ_INT = 2, SJ_UINT = 3, SJ_DOUBLE = 4, SJ_STRING = 5, SJ_ARRAY = 6, SJ_OBJECT = 7 };
enum { SJ_CLEAN = 0, SJ_DUPLICATE_KEY = 1, SJ_NUL_CHARACTER = 2 };

sj_parser *_Nullable sj_new(size_t maximum_depth, size_t maximum_bytes);
void sj_free(sj_parser *_Nonnull parser);
int sj_parse(sj_parser *_Nonnull parser, const void *_Nullable bytes, size_t count, sj_value *_Nonnull root);

int sj_type(sj_value value);
bool sj_int64(sj_value value, int64_t *_Nonnull out);
bool sj_double(sj_value value, double *_Nonnull out);
bool sj_bool(sj_value value, bool *_Nonnull out);
bool sj_string(sj_value value, const char *_Nullable *_Nonnull out, size_t *_Nonnull count);
bool sj_get(sj_value object, const char *_Nonnull key, size_t count, sj_value *_Nonnull out);
bool sj_at(sj_value array, size_t index, sj_value *_Nonnull out);
size_t sj_count(sj_value container);

typedef bool (*sj_member_visitor)(void *_Nullable context, const char *_Nonnull key, size_t count, sj_value value);
void sj_each_member(sj_value object, sj_member_visitor _Nonnull visit, void *_Nullable context);
typedef bool (*sj_element_visitor)(void *_Nullable context, sj_value value);
void sj_each_element(sj_value array, sj_element_visitor _Nonnull visit, void *_Nullable context);

// Looks for a repeated key or a string with U+0000 and writes the path of the first into `path`.
int sj_check(sj_value value, char *_Nonnull path, size_t capacity);

#ifdef __cplusplus
}
#endif
#endif
