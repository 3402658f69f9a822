import Glibc

/// What JSON may hold and PostgreSQL's `jsonb` and `text` may not; its `json` takes it and fails whoever reads it.
public enum StorableJSON {
    /// Whether some string has an escape for U+0000 or for half of a surrogate pair.
    ///
    /// Looks at backslashes only, of which Kubernetes objects have few. The bytes must be valid JSON.
    public static func hasForbiddenEscape(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while let backslash = nextBackslash(bytes, from: index) {
            guard backslash + 1 < bytes.count, bytes[backslash + 1] == UInt8(ascii: "u") else {
                index = backslash + 2
                continue
            }
            guard let unit = codeUnit(bytes, at: backslash) else { return true }
            index = backslash + 6
            switch unit {
            case 0, 0xDC00...0xDFFF:
                return true
            case 0xD800...0xDBFF:
                guard let low = codeUnit(bytes, at: index), (0xDC00...0xDFFF).contains(low) else { return true }
                index += 6
            default:
                break
            }
        }
        return false
    }

    private static func nextBackslash(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress else { return nil }
        guard let found = memchr(base + start, Int32(UInt8(ascii: "\\")), bytes.count - start) else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// The code unit of an escape at a place: `\u` and four hexadecimal digits.
    private static func codeUnit(_ bytes: UnsafeRawBufferPointer, at place: Int) -> UInt16? {
        guard place + 6 <= bytes.count, bytes[place] == UInt8(ascii: "\\"), bytes[place + 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt16 = 0
        for index in (place + 2)..<(place + 6) {
            guard let digit = hexDigit(bytes[index]) else { return nil }
            unit = unit << 4 | digit
        }
        return unit
    }

    private static func hexDigit(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
