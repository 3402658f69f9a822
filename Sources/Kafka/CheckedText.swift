extension String {
    /// Text of bytes that someone else wrote; `nil` when they are not UTF-8.
    ///
    /// Keys and headers are nearly always ASCII, for which this takes a short way: the standard library's check is
    /// generic and costs several times as much for texts of this length.
    init?(checking bytes: UnsafeRawBufferPointer) {
        guard bytes.isASCII else {
            self.init(validating: bytes, as: UTF8.self)
            return
        }
        self = bytes.withMemoryRebound(to: UInt8.self) { String(decoding: $0, as: UTF8.self) }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether every byte is below 128.
    var isASCII: Bool {
        var seen: UInt64 = 0
        var place = 0
        while place + 8 <= count {
            seen |= loadUnaligned(fromByteOffset: place, as: UInt64.self)
            place += 8
        }
        while place < count {
            seen |= UInt64(self[place])
            place += 1
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }
}
