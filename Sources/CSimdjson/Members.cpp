#include "Parser.h"

static uint64_t word(const uint8_t *text) noexcept {
    uint64_t word;
    std::memcpy(&word, text, sizeof(word));
    return word;
}

// Of a name of more than 16 bytes those between head and tail are compared last.
static inline bool is_named(const sj_node &key, const sj_name &name) noexcept {
    if (size(key) != name.count || ((word(key.text) ^ name.head) & name.mask) != 0) return false;
    if (name.count <= 8) return true;
    if (word(key.text + name.count - 8) != name.tail) return false;
    if (name.count <= 16) return true;
    if (name.count <= 24) return word(key.text + 8) == word(name.start + 8);
    return std::memcmp(key.text + 8, name.start + 8, name.count - 16) == 0;
}

// Reads no byte behind the text: a literal of the program may be the last thing on its page.
sj_name sj_named(const uint8_t *text, size_t count) noexcept {
    if (count >= 8) return {text, count, word(text), ~uint64_t(0), word(text + count - 8)};
    uint64_t head = 0;
    for (size_t place = 0; place < count; ++place) head |= uint64_t(text[place]) << (8 * place);
    return {text, count, head, (uint64_t(1) << (8 * count)) - 1, 0};
}

bool sj_equals(const sj_node *value, const uint8_t *text, size_t count) noexcept {
    if (kind(*value) != SJ_STRING || size(*value) != count) return false;
    return std::memcmp(value->text, text, count) == 0;
}

const sj_node *sj_get(const sj_node *object, sj_name name) noexcept {
    if (kind(*object) != SJ_OBJECT) return nullptr;
    const sj_node *const end = object + object->next;
    for (const sj_node *key = object + 1; key < end; key += 1 + key[1].next) {
        if (is_named(*key, name)) return key + 1;
    }
    return nullptr;
}

// Senders write members in the same order as their readers name them, so each search begins behind the name found last.
sj_picked sj_pick(const sj_node *object, const sj_name *names, size_t count) noexcept {
    sj_picked out = {};
    if (kind(*object) != SJ_OBJECT) return out;
    const sj_node *const end = object + object->next;
    size_t likely = 0;
    for (const sj_node *key = object + 1; key < end; key += 1 + key[1].next) {
        size_t name = likely;
        while (!is_named(*key, names[name])) {
            name = name + 1 == count ? 0 : name + 1;
            if (name == likely) goto unknown;
        }
        if (out.values[name] == nullptr) out.values[name] = key + 1;
        likely = name + 1 == count ? 0 : name + 1;
    unknown:;
    }
    return out;
}
