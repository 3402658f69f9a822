#include "Parser.h"

#include <charconv>

using namespace simdjson;

namespace {

// Whether a byte may follow a number or a literal.
struct Delimiters {
    bool is[256] = {};
    constexpr Delimiters() {
        for (char byte : {' ', '\t', '\n', '\r', ',', ':', '[', ']', '{', '}'}) is[static_cast<uint8_t>(byte)] = true;
    }
};
constexpr Delimiters delimiters;

bool is_digit(uint8_t byte) { return static_cast<uint8_t>(byte - '0') < 10; }
bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

// What stands behind the text of a string without its escapes, or no text where an escape is none.
//
// This and what follows is kept out of a reading, which would have to live in memory to be lent to it.
__attribute__((noinline)) std::string_view unescape(sj_parser &parser, std::string_view text) {
    if (text.find('\\') == std::string_view::npos) return text;
    uint8_t *const begin = parser.unescaped_end;
    uint8_t *const end = parser.stage->parse_string(reinterpret_cast<const uint8_t *>(text.data()), begin);
    if (end == nullptr) return {};
    parser.unescaped_end = end;
    return {reinterpret_cast<const char *>(begin), static_cast<size_t>(end - begin)};
}

struct Real {
    bool is_right;
    uint64_t bits;
};

// A number with a fraction or an exponent; `at` is where its first digits end, of which there are `count`.
__attribute__((noinline)) Real real(const uint8_t *text, const uint8_t *at, size_t count) {
    if (count == 0 || (at[-static_cast<ptrdiff_t>(count)] == '0' && count > 1)) return {false, 0};
    if (*at == '.') {
        if (!is_digit(*++at)) return {false, 0};
        while (is_digit(*at)) ++at;
    }
    bool is_small = false;
    if ((*at | 0x20) == 'e') {
        ++at;
        is_small = *at == '-';
        if (*at == '+' || *at == '-') ++at;
        if (!is_digit(*at)) return {false, 0};
        while (is_digit(*at)) ++at;
    }
    if (!delimiters.is[*at]) return {false, 0};
    double value = 0;
    auto read = std::from_chars(reinterpret_cast<const char *>(text), reinterpret_cast<const char *>(at), value);
    if (read.ec == std::errc::result_out_of_range) {
        // What is nearer to 0 than every double is 0.
        if (!is_small) return {false, 0};
        value = *text == '-' ? -0.0 : 0.0;
    }
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return {true, bits};
}

// How far a document was read: the next of the places that stage 1 found, and the next node to write.
//
// Stage 1 finds where each operator stands and where each string, number and literal begins. Behind the last place it
// writes the length of the document, where the padding has a space, which is nothing that the grammar allows.
struct Reading {
    sj_parser &parser;
    const uint8_t *const bytes;
    const uint32_t *place;
    sj_node *node;
    const bool has_backslash;

    uint8_t first() const { return bytes[*place]; }

    // A node without others in it, of which the first word is written at once.
    __attribute__((always_inline)) void leaf(uint32_t shape, uint64_t bits) {
        const uint64_t words[2] = {uint64_t(shape) << 32 | 1, bits};
        static_assert(offsetof(sj_node, next) == 0 && offsetof(sj_node, shape) == 4 && sizeof(sj_node) == 16, "two words");
        std::memcpy(node, words, sizeof(words));
        ++node;
        ++place;
    }

    // Its closing quote is the last byte before the next place that is no space.
    __attribute__((always_inline)) bool string() {
        const uint8_t *start = bytes + place[0] + 1;
        const uint8_t *close = bytes + place[1] - 1;
        if (*close != '"') close = before_spaces(close);
        if (close < start) return false;
        std::string_view text{reinterpret_cast<const char *>(start), static_cast<size_t>(close - start)};
        if (has_backslash) {
            text = unescape(parser, text);
            if (text.data() == nullptr) return false;
        }
        leaf(SJ_STRING | static_cast<uint32_t>(text.size()) << 4, reinterpret_cast<uint64_t>(text.data()));
        return true;
    }

    // The closing quote before spaces. Stage 1 lets no string be open at its end, so there is one.
    static const uint8_t *before_spaces(const uint8_t *at) {
        while (is_space(*at)) --at;
        return at;
    }

    __attribute__((always_inline)) bool literal(const char *word, size_t count, uint32_t kind, uint64_t truth) {
        const uint8_t *text = bytes + *place;
        if (std::memcmp(text, word, count) != 0 || !delimiters.is[text[count]]) return false;
        leaf(kind, truth);
        return true;
    }

    __attribute__((always_inline)) bool number() {
        const uint8_t *const text = bytes + *place;
        const bool is_negative = *text == '-';
        const uint8_t *const digits = text + is_negative;
        const uint8_t *at = digits;
        uint64_t natural = 0;
        for (; is_digit(*at); ++at) natural = natural * 10 + (*at - '0');
        const size_t count = static_cast<size_t>(at - digits);
        if (!delimiters.is[*at]) {
            const Real number = real(text, at, count);
            if (number.is_right) leaf(SJ_DOUBLE, number.bits);
            return number.is_right;
        }
        if (count == 0 || (*digits == '0' && count > 1)) return false;
        // Of 20 digits those that begin with 1 may fit 64 bits; what went beyond became less than 10^19.
        if (count > 19 && (count > 20 || *digits != '1' || natural < 10000000000000000000u)) return false;
        const uint64_t least = uint64_t(1) << 63;
        if (is_negative && natural > least) return false;
        leaf(!is_negative && natural >= least ? SJ_UINT : SJ_INT, is_negative ? 0 - natural : natural);
        return true;
    }
};

}  // namespace

// An open object or array keeps, where its own length will stand, how many nodes back the one lies that it is in.
int sj_make_nodes(sj_parser &parser) noexcept {
    const uint8_t *const bytes = parser.padded.get();
    const uint32_t *const start = parser.stage->structural_indexes.get();
    const uint32_t *const end = start + parser.stage->n_structural_indexes;
    Reading at{parser, bytes, start, parser.nodes.get(), parser.has_backslash};
    parser.unescaped_end = parser.unescaped.get();
    sj_node *open = nullptr;
    size_t depth = 0;

value:
    switch (at.first()) {
        case '"':
            if (!at.string()) return SJ_SYNTAX;
            break;
        case '{': case '[': {
            if (depth++ == parser.maximum_depth) return SJ_DEPTH;
            const bool is_object = at.first() == '{';
            at.node->next = open == nullptr ? 0 : static_cast<uint32_t>(at.node - open);
            at.node->shape = is_object ? SJ_OBJECT : SJ_ARRAY;
            open = at.node++;
            ++at.place;
            if (at.first() == (is_object ? '}' : ']')) goto close;
            if (is_object) goto key;
            goto value;
        }
        case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
            if (!at.number()) return SJ_NUMBER;
            break;
        case 't':
            if (!at.literal("true", 4, SJ_BOOL, 1)) return SJ_SYNTAX;
            break;
        case 'f':
            if (!at.literal("false", 5, SJ_BOOL, 0)) return SJ_SYNTAX;
            break;
        case 'n':
            if (!at.literal("null", 4, SJ_NULL, 0)) return SJ_SYNTAX;
            break;
        default: return SJ_SYNTAX;
    }

next:
    if (open == nullptr) return at.place == end ? SJ_OK : SJ_SYNTAX;
    if (open->shape == SJ_OBJECT) {
        if (at.first() == ',') {
            ++at.place;
            goto key;
        }
        if (at.first() != '}') return SJ_SYNTAX;
    } else {
        if (at.first() == ',') {
            ++at.place;
            goto value;
        }
        if (at.first() != ']') return SJ_SYNTAX;
    }

close: {
    ++at.place;
    --depth;
    const uint32_t back = open->next;
    open->next = static_cast<uint32_t>(at.node - open);
    open = back == 0 ? nullptr : open - back;
    goto next;
}

key:
    if (at.first() != '"' || !at.string() || at.first() != ':') return SJ_SYNTAX;
    ++at.place;
    goto value;
}
