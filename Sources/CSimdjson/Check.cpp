#include "Parser.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using namespace simdjson;

namespace {

// An object or array that is being walked. A stack of them instead of recursion: the depth is the input's choice.
struct Level {
    bool is_object;
    sj_cursor cursor;
    std::string_view key;
    size_t index;
};

class Walk {
public:
    int run(dom::element root) {
        if (int found = enter(root)) return found;
        while (!levels.empty()) {
            sj_value child;
            if (!next(levels.back(), child)) {
                levels.pop_back();
            } else if (int found = enter(element(child))) {
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

    static bool next(Level &level, sj_value &child) {
        if (!level.is_object) {
            level.index += 1;
            return sj_next_element(&level.cursor, &child);
        }
        sj_text name;
        if (!sj_next_member(&level.cursor, &name, &child)) return false;
        level.key = std::string_view(reinterpret_cast<const char *>(name.start), name.count);
        return true;
    }

    int enter(dom::element value) {
        std::string_view text;
        if (value.get_string().get(text) == SUCCESS) return check(text);
        dom::object members;
        if (value.get_object().get(members) == SUCCESS) {
            levels.push_back({true, sj_members(raw(value)), {}, 0});
            return checkKeys(members);
        }
        if (value.is_array()) levels.push_back({false, sj_elements(raw(value)), {}, 0});
        return SJ_OK;
    }

    int checkKeys(dom::object members) {
        keys.clear();
        for (auto field : members) {
            levels.back().key = field.key;
            if (int found = check(field.key)) return found;
            keys.push_back(field.key);
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

int sj_check(sj_value root, uint8_t *path, size_t capacity, size_t *count) noexcept {
    *count = 0;
    try {
        Walk walk;
        int found = walk.run(element(root));
        if (found == SJ_OK) return SJ_OK;
        std::string text = walk.path();
        *count = std::min(capacity, text.size());
        std::memcpy(path, text.data(), *count);
        return found;
    } catch (...) {
        return SJ_MEMORY;
    }
}
