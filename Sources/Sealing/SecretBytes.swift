internal import Crypto
internal import Foundation

/// Bytes that are nobody's business: a password, a private key, a value marked confidential.
///
/// Never printed, compared in constant time, and overwritten in memory when the last copy goes.
public struct SecretBytes: Sendable, Equatable {
    // The one type of swift-crypto that overwrites its memory.
    let storage: SymmetricKey

    /// Takes bytes; the caller's copy stays the caller's to forget.
    public init(_ bytes: some Sequence<UInt8>) {
        storage = SymmetricKey(data: Array(bytes))
    }

    /// Takes a text as UTF-8.
    public init(utf8 text: String) {
        self.init(text.utf8)
    }

    /// How many bytes there are.
    public var count: Int { storage.bitCount / 8 }

    /// Lends the bytes.
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try storage.withUnsafeBytes(body)
    }

    /// The bytes as a text, which nothing overwrites; `nil` where they are not UTF-8.
    public func text() -> String? {
        withUnsafeBytes { String(validating: $0, as: UTF8.self) }
    }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Nothing of the bytes.
    public var description: String { "<secret>" }
    /// Nothing of the bytes.
    public var debugDescription: String { description }
    /// Nothing of the bytes.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
