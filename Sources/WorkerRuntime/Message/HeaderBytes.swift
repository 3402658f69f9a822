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
        return write(headers.reduce(0) { $0 + 6 + $1.0.utf8.count + ($1.1?.count ?? 0) }) { place in
            for (name, value) in headers {
                put(name, count: value?.count, into: &place)
                value?.withUnsafeBytes { put($0, into: &place) }
            }
        }
    }

    /// The same of headers whose values are texts and whose names are the fleet's own, behind those of a head.
    static func encode(_ headers: [(String, String)], after head: [UInt8] = []) -> [UInt8] {
        write(headers.reduce(head.count) { $0 + 6 + $1.0.utf8.count + $1.1.utf8.count }) { place in
            head.withUnsafeBytes { put($0, into: &place) }
            for (name, value) in headers {
                put(name, count: value.utf8.count, into: &place)
                put(value, into: &place)
            }
        }
    }

    private static func write(_ size: Int, _ body: (inout UnsafeMutableRawPointer) -> Void) -> [UInt8] {
        guard size > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
            guard let start = bytes.baseAddress else { return }
            var place = UnsafeMutableRawPointer(start)
            body(&place)
            count = size
        }
    }

    /// Puts a name and how many bytes its value has; no number is a null value.
    private static func put(_ name: String, count: Int?, into place: inout UnsafeMutableRawPointer) {
        put(UInt16(truncatingIfNeeded: name.utf8.count), into: &place)
        put(name, into: &place)
        put(count.map { UInt32(truncatingIfNeeded: $0) } ?? .max, into: &place)
    }

    private static func put(_ number: some FixedWidthInteger, into place: inout UnsafeMutableRawPointer) {
        withUnsafeBytes(of: number.bigEndian) { put($0, into: &place) }
    }

    private static func put(_ text: String, into place: inout UnsafeMutableRawPointer) {
        var text = text
        text.withUTF8 { put(UnsafeRawBufferPointer($0), into: &place) }
    }

    private static func put(_ bytes: UnsafeRawBufferPointer, into place: inout UnsafeMutableRawPointer) {
        guard let start = bytes.baseAddress else { return }
        place.copyMemory(from: start, byteCount: bytes.count)
        place += bytes.count
    }

    /// Reads what ``encode(_:)`` wrote; `nil` when the bytes are not of that form.
    static func decode(_ bytes: [UInt8]) -> [(String, [UInt8]?)]? {
        var headers: [(String, [UInt8]?)] = []
        let isReadable = bytes.withUnsafeBytes { bytes in
            forEach(in: bytes) { headers.append((String(decoding: $0, as: UTF8.self), $1.map(Array.init))) }
        }
        return isReadable ? headers : nil
    }

    /// Whether ``decode(_:)`` can read the bytes; makes nothing of them.
    static func areReadable(_ bytes: UnsafeRawBufferPointer) -> Bool { forEach(in: bytes) { _, _ in } }

    /// Lends each name and value, in order.
    ///
    /// - Returns: Whether all of the bytes are of that form; if not, those before the first that is not were lent.
    static func forEach(
        in bytes: UnsafeRawBufferPointer,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) -> Void
    ) -> Bool {
        var place = 0
        func take(_ count: Int) -> UnsafeRawBufferPointer? {
            guard bytes.count - place >= count else { return nil }
            defer { place += count }
            return UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
        }
        while place < bytes.count {
            guard let nameLength = take(2)?.loadUnaligned(as: UInt16.self),
                let name = take(Int(UInt16(bigEndian: nameLength))),
                let valueLength = take(4)?.loadUnaligned(as: UInt32.self)
            else { return false }
            guard valueLength != .max else {
                body(name, nil)
                continue
            }
            guard let value = take(Int(UInt32(bigEndian: valueLength))) else { return false }
            body(name, value)
        }
        return true
    }
}
