/// Times as RFC 3339 writes them, in microseconds since 1970.
public enum RFC3339 {
    /// Writes `2026-11-23T08:00:00.123Z`: UTC with milliseconds; what is finer is cut off.
    ///
    /// Times outside the years 0 to 9999, which RFC 3339 cannot write, become the nearest that it can.
    public static func format(microseconds: Int64) -> String {
        let bounded = min(max(microseconds, earliest), latest)
        let seconds = CivilDate.flooredQuotient(bounded, 1_000_000)
        let days = CivilDate.flooredQuotient(seconds, 86_400)
        let date = CivilDate(daysSince1970: days)
        let second = Int(seconds - days * 86_400)
        let millisecond = Int((bounded - seconds * 1_000_000) / 1000)
        return String(unsafeUninitializedCapacity: 24) { text in
            put(Int(date.year), 4, at: 0, in: text, then: "-")
            put(Int(date.month), 2, at: 5, in: text, then: "-")
            put(Int(date.day), 2, at: 8, in: text, then: "T")
            put(second / 3600, 2, at: 11, in: text, then: ":")
            put(second / 60 % 60, 2, at: 14, in: text, then: ":")
            put(second % 60, 2, at: 17, in: text, then: ".")
            put(millisecond, 3, at: 20, in: text, then: "Z")
            return 24
        }
    }

    /// Reads a time; `nil` where the text is not one.
    ///
    /// What is finer than a microsecond is cut off. A leap second counts as the first second after it.
    public static func parse(_ text: String) -> Int64? {
        var text = text
        return text.withUTF8 { parse(utf8: $0) }
    }

    /// Reads the bytes of a time; `nil` where they are not one.
    public static func parse(utf8: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard utf8.count >= 20, let date = date(utf8), let second = second(utf8) else { return nil }
        var index = 19
        guard let fraction = fraction(utf8, &index), let offset = offset(utf8, index) else { return nil }
        return (date.daysSince1970 * 86_400 + second - offset) * 1_000_000 + fraction
    }

    private static let earliest: Int64 = -62_167_219_200_000_000
    private static let latest: Int64 = 253_402_300_799_999_999

    private static func put(
        _ number: Int,
        _ width: Int,
        at start: Int,
        in text: UnsafeMutableBufferPointer<UInt8>,
        then end: Unicode.Scalar
    ) {
        var rest = number
        var index = start + width
        while index > start {
            index -= 1
            text[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        text[start + width] = UInt8(ascii: end)
    }

    private static func date(_ text: UnsafeBufferPointer<UInt8>) -> CivilDate? {
        guard let year = number(text, 0..<4), let month = number(text, 5..<7), let day = number(text, 8..<10),
            text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-")
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        return date.isValid ? date : nil
    }

    /// The second of the day.
    private static func second(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard let hour = number(text, 11..<13), let minute = number(text, 14..<16), let second = number(text, 17..<19),
            text[10] == UInt8(ascii: "T") || text[10] == UInt8(ascii: "t"), text[13] == UInt8(ascii: ":"),
            text[16] == UInt8(ascii: ":"), hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    private static func fraction(_ text: UnsafeBufferPointer<UInt8>, _ index: inout Int) -> Int64? {
        guard text[index] == UInt8(ascii: ".") else { return 0 }
        let start = index + 1
        index = start
        var microseconds: Int64 = 0
        var scale: Int64 = 100_000
        while index < text.count, let digit = digit(text[index]) {
            microseconds += digit * scale
            scale /= 10
            index += 1
        }
        return index > start ? microseconds : nil
    }

    /// The seconds by which local time is ahead of UTC.
    private static func offset(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int64? {
        guard index < text.count else { return nil }
        switch text[index] {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"):
            return index + 1 == text.count ? 0 : nil
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard text.count == index + 6, text[index + 3] == UInt8(ascii: ":"),
                let hours = number(text, index + 1..<index + 3), let minutes = number(text, index + 4..<index + 6),
                hours < 24, minutes < 60
            else { return nil }
            return (hours * 3600 + minutes * 60) * (text[index] == UInt8(ascii: "-") ? -1 : 1)
        default:
            return nil
        }
    }

    private static func number(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int64? {
        var value: Int64 = 0
        for index in range {
            guard let digit = digit(text[index]) else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    private static func digit(_ byte: UInt8) -> Int64? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int64(byte - UInt8(ascii: "0")) : nil
    }
}
