/// Whether JSON bytes hold the escape of U+0000, which PostgreSQL's jsonb refuses.
///
/// An escaped backslash before `u0000` does not count. Fast where there is no backslash at all.
public func containsNulEscape(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let backslash = UInt8(ascii: "\\")
    var index = 0
    while index < bytes.count {
        guard bytes[index] == backslash else {
            index += 1
            continue
        }
        if index + 5 < bytes.count, bytes[index + 1] == UInt8(ascii: "u"), bytes[(index + 2)...(index + 5)].allSatisfy({ $0 == UInt8(ascii: "0") }) {
            return true
        }
        index += 2
    }
    return false
}
