/// Times as RFC 3339 writes them, in microseconds since 1970.
public enum RFC3339 {
    /// Writes `2026-11-23T08:00:00.123Z`: UTC, with milliseconds.
    public static func format(microseconds: Int64) -> String {
        let milliseconds = microseconds.flooredQuotient(1000)
        let days = milliseconds.flooredQuotient(86_400_000)
        let (year, month, day) = civil(days)
        var rest = milliseconds - days * 86_400_000
        var text: [UInt8] = []
        text.reserveCapacity(24)
        func put(_ number: Int64, _ width: Int, _ end: String) {
            let digits = String(number)
            for _ in 0..<max(0, width - digits.utf8.count) { text.append(UInt8(ascii: "0")) }
            text.append(contentsOf: digits.utf8)
            text.append(contentsOf: end.utf8)
        }
        put(year, 4, "-")
        put(month, 2, "-")
        put(day, 2, "T")
        put(rest / 3_600_000, 2, ":")
        rest %= 3_600_000
        put(rest / 60_000, 2, ":")
        rest %= 60_000
        put(rest / 1000, 2, ".")
        put(rest % 1000, 3, "Z")
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads a time; `nil` where the text is not one.
    public static func parse(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20 else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard (48...57).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), bytes[4] == 45, bytes[7] == 45,
            bytes[10] == 84 || bytes[10] == 116 || bytes[10] == 32, bytes[13] == 58, bytes[16] == 58,
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var index = 19
        var micros: Int64 = 0
        if bytes[index] == 46 {
            index += 1
            var scale: Int64 = 100_000
            let start = index
            while index < bytes.count, (48...57).contains(bytes[index]) {
                micros += Int64(bytes[index] - 48) * scale
                scale /= 10
                index += 1
            }
            guard index > start else { return nil }
        }
        guard index < bytes.count else { return nil }
        var offset: Int64 = 0
        switch bytes[index] {
        case 90, 122: guard index + 1 == bytes.count else { return nil }
        case 43, 45:
            guard bytes.count == index + 6, bytes[index + 3] == 58, let hours = number(index + 1..<index + 3),
                let minutes = number(index + 4..<index + 6)
            else { return nil }
            offset = (hours * 60 + minutes) * 60 * (bytes[index] == 45 ? -1 : 1)
        default: return nil
        }
        let seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
        return seconds * 1_000_000 + micros
    }

    // The proleptic Gregorian calendar counted in eras of 400 years, each of which begins on a 1 March.
    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year.flooredQuotient(400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
