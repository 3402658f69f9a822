internal import Crypto
public import Foundation

/// The identity under which the inbox remembers a message, and the digest that tells a repeat from a forgery.
public struct InboxKey: Sendable, Hashable {
    /// Derived from the verified caller, the source and the id, so the same request always has the same one.
    ///
    /// A command's id is its request's, so that deciding again names the same command.
    public let requestID: UUID
    /// SHA-256 of the type, the key and the data.
    public let digest: [UInt8]

    /// Derives the identity.
    ///
    /// - Parameters:
    ///   - caller: Who was verified to have sent it; for an agent its cluster, for a release event its topic.
    ///   - source: The CloudEvents source.
    ///   - id: The CloudEvents id.
    ///   - digest: See ``digest(type:key:data:)``.
    public init(caller: String, source: String, id: String, digest: [UInt8]) {
        requestID = DerivedID.make("request", caller, source, id)
        self.digest = digest
    }

    /// The digest of a message's content; headers that may change in transit are left out.
    public static func digest(type: String, key: String, data: UnsafeRawBufferPointer) -> [UInt8] {
        var hash = SHA256()
        for part in [type, key] {
            hash.update(lengthPrefixed: part)
        }
        hash.update(bufferPointer: data)
        return Array(hash.finalize())
    }
}

/// Identifiers that follow from what they name: deciding again gives the same ones.
public enum DerivedID {
    /// A UUID (version 8, RFC 9562) from the SHA-256 of the parts, each with its length before it.
    public static func make(_ parts: String...) -> UUID {
        var hash = SHA256()
        for part in parts {
            hash.update(lengthPrefixed: part)
        }
        var bytes = Array(hash.finalize().prefix(16))
        bytes[6] = (bytes[6] & 0x0F) | 0x80
        bytes[8] = (bytes[8] & 0x3F) | 0x80
        return UUID(
            uuid: (
                bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
                bytes[8], bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]
            )
        )
    }
}

extension SHA256 {
    fileprivate mutating func update(lengthPrefixed text: String) {
        var text = text
        text.withUTF8 { utf8 in
            withUnsafeBytes(of: UInt32(utf8.count).bigEndian) { update(bufferPointer: $0) }
            update(bufferPointer: UnsafeRawBufferPointer(utf8))
        }
    }
}
