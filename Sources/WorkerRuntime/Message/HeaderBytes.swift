/// Kafka headers as one byte string, for a column: per header the length and bytes of its name and of its value.
///
/// Lengths are big-endian; a value's length of -1 is a null value. Order and repetition are kept.
enum HeaderBytes {
    static func encode(_ headers: [(String, [UInt8]?)]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headers.reduce(0) { $0 + 6 + $1.0.utf8.count + ($1.1?.count ?? 0) })
        for (name, value) in headers {
            append(name, count: value.map { Int32($0.count) } ?? -1, to: &bytes)
            if let value { bytes.append(contentsOf: value) }
        }
        return bytes
    }

    /// The same of headers whose values are texts, as all that workers publish are.
    static func encode(_ headers: [(String, String)]) -> [UInt8] {
        let size = headers.reduce(0) { $0 + 6 + $1.0.utf8.count + $1.1.utf8.count }
        return [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
            var rest = UnsafeMutableRawBufferPointer(bytes)
            for (name, value) in headers {
                put(UInt16(truncatingIfNeeded: name.utf8.count), into: &rest)
                put(name, into: &rest)
                put(UInt32(truncatingIfNeeded: value.utf8.count), into: &rest)
                put(value, into: &rest)
            }
            count = size
        }
    }

    private static func put(_ number: some FixedWidthInteger, into rest: inout UnsafeMutableRawBufferPointer) {
        withUnsafeBytes(of: number.bigEndian) { put($0, into: &rest) }
    }

    private static func put(_ text: String, into rest: inout UnsafeMutableRawBufferPointer) {
        var text = text
        text.withUTF8 { put(UnsafeRawBufferPointer($0), into: &rest) }
    }

    private static func put(_ bytes: UnsafeRawBufferPointer, into rest: inout UnsafeMutableRawBufferPointer) {
        rest.copyMemory(from: bytes)
        rest = UnsafeMutableRawBufferPointer(rebasing: rest[bytes.count...])
    }

    private static func append(_ name: String, count: Int32, to bytes: inout [UInt8]) {
        let length = UInt16(truncatingIfNeeded: name.utf8.count)
        bytes.append(UInt8(length >> 8))
        bytes.append(UInt8(length & 0xFF))
        bytes.append(contentsOf: name.utf8)
        withUnsafeBytes(of: count.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Reads what ``encode(_:)`` wrote; `nil` when the bytes are not of that form.
    static func decode(_ bytes: [UInt8]) -> [(String, [UInt8]?)]? {
        var headers: [(String, [UInt8]?)] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let nameLength = number(&rest, bytes: 2), let name = take(&rest, nameLength),
                let valueLength = number(&rest, bytes: 4)
            else { return nil }
            let text = String(decoding: name, as: UTF8.self)
            if valueLength == 0xFFFF_FFFF {
                headers.append((text, nil))
                continue
            }
            guard let value = take(&rest, valueLength) else { return nil }
            headers.append((text, Array(value)))
        }
        return headers
    }

    /// Whether ``decode(_:)`` can read the bytes; makes nothing of them.
    static func areReadable(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        func skip(_ count: Int) -> Bool {
            guard bytes.count - place >= count else { return false }
            place += count
            return true
        }
        while place < bytes.count {
            let length = place
            guard skip(2), skip(Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: length, as: UInt16.self))))
            else {
                return false
            }
            let valueLength = place
            guard skip(4) else { return false }
            let count = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: valueLength, as: UInt32.self))
            guard count == .max || skip(Int(count)) else { return false }
        }
        return true
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, bytes: Int) -> Int? {
        take(&rest, bytes).map { $0.reduce(0) { $0 << 8 | Int($1) } }
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, _ count: Int) -> ArraySlice<UInt8>? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}
