#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

extension [UInt8] {
    /// Appends an integer in network byte order.
    @inline(__always)
    mutating func append<Integer: FixedWidthInteger>(bigEndian value: Integer) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    /// Appends the UTF-8 bytes of a text and returns whether they are free of zero bytes.
    ///
    /// PostgreSQL cannot store U+0000 in a text.
    @inline(__always)
    mutating func append(utf8 text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            append(contentsOf: bytes)
            return UnsafeRawBufferPointer(bytes).isFreeOfZeroBytes
        }
    }

    /// Appends the sixteen bytes of a UUID.
    mutating func append(uuid: UUID) {
        Swift.withUnsafeBytes(of: uuid.uuid) { append(contentsOf: $0) }
    }

    /// Overwrites four bytes with an integer in network byte order.
    mutating func overwrite(bigEndian value: Int32, at offset: Int) {
        Swift.withUnsafeBytes(of: value.bigEndian) { bytes in
            for index in 0..<4 { self[offset + index] = bytes[index] }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether no byte is zero.
    var isFreeOfZeroBytes: Bool {
        guard let baseAddress else { return true }
        return memchr(baseAddress, 0, count) == nil
    }

    /// Reads an integer in network byte order.
    @inline(__always)
    func bigEndian<Integer: FixedWidthInteger>(at offset: Int, as type: Integer.Type) -> Integer {
        Integer(bigEndian: loadUnaligned(fromByteOffset: offset, as: Integer.self))
    }
}
