/// Kafka headers as one byte string, for a column: per header the length and bytes of its name and of its value.
///
/// Lengths are big-endian; a value's length of -1 is a null value. Order and repetition are kept.
enum HeaderBytes {
    /// The most bytes of a name: its length has two bytes, and a character that is cut through takes two more.
    private static let longestName = Int(UInt16.max) - 2

    /// Writes headers as they came from Kafka; a longer name than the form can hold is cut, so that all can be read.
    static func encode(_ headers: [(String, [UInt8]?)]) -> [UInt8] {
        let headers = headers.map { name, value in
            (
                name.utf8.count > longestName ? String(decoding: name.utf8.prefix(longestName), as: UTF8.self) : name,
                value
            )
        }
        return write(headers.reduce(0) { $0 + 6 + $1.0.utf8.count + ($1.1?.count ?? 0) }) { rest in
            for (name, value) in headers {
                put(name, count: value?.count, into: &rest)
                value?.withUnsafeBytes { put($0, into: &rest) }
            }
        }
    }

    /// The same of headers whose values are texts and whose names are the fleet's own.
    static func encode(_ headers: [(String, String)]) -> [UInt8] {
        write(headers.reduce(0) { $0 + 6 + $1.0.utf8.count + $1.1.utf8.count }) { rest in
            for (name, value) in headers {
                put(name, count: value.utf8.count, into: &rest)
                put(value, into: &rest)
            }
        }
    }

    private static func write(_ size: Int, _ body: (inout UnsafeMutableRawBufferPointer) -> Void) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
            var rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[..<size])
            body(&rest)
            count = size
        }
    }

    /// Puts a name and how many bytes its value has; no number is a null value.
    private static func put(_ name: String, count: Int?, into rest: inout UnsafeMutableRawBufferPointer) {
        put(UInt16(truncatingIfNeeded: name.utf8.count), into: &rest)
        put(name, into: &rest)
        put(count.map { UInt32(truncatingIfNeeded: $0) } ?? .max, into: &rest)
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
