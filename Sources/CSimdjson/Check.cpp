#include "Parser.h"

#include <algorithm>
#include <string>
#include <vector>

namespace {

// An object or array that is being walked. A stack of them instead of recursion: the depth is the input's choice.
struct Level {
    bool is_object;
    const sj_node *next;
    const sj_node *end;
    std::string_view key;
    size_t index;
};

class Walk {
public:
    int run(const sj_node *root) {
        if (int found = enter(root)) return found;
        while (!levels.empty()) {
            if (levels.back().next == levels.back().end) {
                levels.pop_back();
            } else if (int found = enter(step(levels.back()))) {
                return found;
            }
        }
        return SJ_OK;
    }

    std::string path() const {
        std::string out;
        for (const auto &level : levels) {
            if (!level.is_object) {
                out += "[" + std::to_string(level.index - 1) + "]";
            } else {
                if (!out.empty()) out += ".";
                out += level.key;
            }
        }
        return out;
    }

private:
    std::vector<Level> levels;
    std::vector<std::string_view> keys;

    static const sj_node *step(Level &level) {
        if (level.is_object) {
            level.key = view(*level.next);
            level.next += 1;
        }
        const sj_node *child = level.next;
        level.index += 1;
        level.next += child->next;
        return child;
    }

    int enter(const sj_node *value) {
        if (kind(*value) == SJ_STRING) return check(view(*value));
        bool is_object = kind(*value) == SJ_OBJECT;
        if (!is_object && kind(*value) != SJ_ARRAY) return SJ_OK;
        levels.push_back({is_object, value + 1, value + value->next, {}, 0});
        return is_object ? checkKeys(value) : SJ_OK;
    }

    int checkKeys(const sj_node *object) {
        keys.clear();
        for (const sj_node *key = object + 1; key < object + object->next; key += 1 + key[1].next) {
            levels.back().key = view(*key);
            if (int found = check(levels.back().key)) return found;
            keys.push_back(levels.back().key);
        }
        std::sort(keys.begin(), keys.end());
        auto repeated = std::adjacent_find(keys.begin(), keys.end());
        if (repeated == keys.end()) return SJ_OK;
        levels.back().key = *repeated;
        return SJ_DUPLICATE_KEY;
    }

    // simdjson writes half of a surrogate pair as the three bytes that UTF-8 forbids: ED, then A0 to BF.
    static int check(std::string_view text) {
        if (text.find('\0') != std::string_view::npos) return SJ_NUL_CHARACTER;
        for (size_t at = text.find('\xED'); at != std::string_view::npos; at = text.find('\xED', at + 1)) {
            if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xA0) return SJ_SURROGATE;
        }
        return SJ_OK;
    }
};

}  // namespace

int sj_check(const sj_node *root, uint8_t *path, size_t capacity, size_t *count) noexcept {
    *count = 0;
    try {
        Walk walk;
        int found = walk.run(root);
        if (found == SJ_OK) return SJ_OK;
        std::string text = walk.path();
        *count = std::min(capacity, text.size());
        std::memcpy(path, text.data(), *count);
        return found;
    } catch (...) {
        return SJ_MEMORY;
    }
}
