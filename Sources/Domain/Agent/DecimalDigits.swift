/// The numbers that agents give their messages, in decimal digits.
enum DecimalDigits {
    /// The number, read without making a text of it; `nil` for anything but 1 to 18 digits that make at least 1.
    static func number(_ digits: UnsafeRawBufferPointer) -> Int64? {
        guard (1...18).contains(digits.count) else { return nil }
        var number: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return number > 0 ? number : nil
    }

    /// The number; `nil` for anything but 1 to 18 digits, so that such numbers can be added.
    static func numberFromZero(_ text: String) -> Int64? {
        (1...18).contains(text.utf8.count)
            && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int64(text) : nil
    }
}
