import Crypto
import Foundation
public import Sealing
public import WorkerRuntime

/// The secret of the fleet, from which every other key is derived.
public struct FleetKey: Sendable {
    private let key: SymmetricKey

    /// Reads 32 bytes of base64.
    ///
    /// - Throws: ``StartError`` that says what would be right, never what was given.
    public init(base64: String) throws(StartError) {
        guard let bytes = Data(base64Encoded: base64), bytes.count == 32 else {
            throw StartError(
                "SLIPWAY_FLEET_KEY should be 32 random bytes in base64, such as 'openssl rand -base64 32' prints."
            )
        }
        key = SymmetricKey(data: bytes)
    }

    /// A fresh key in base64.
    public static func random() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
    }

    /// The key that one cluster's agent and the fleet share.
    public func clusterKey(_ cluster: String, keyID: Int32) -> SigningKey {
        derive("slipway agent \(cluster) \(keyID)")
    }

    /// The key to which what is confidential is sealed for a cluster: the public half of what its agent derives.
    public func sealingPublicKey(cluster: String, keyID: Int32) throws(SealingError) -> SealingPublicKey {
        try clusterKey(cluster, keyID: keyID).sealingKeys(of: cluster).publicKey
    }

    /// The key with which the fleet signs its own requests.
    public var requestKey: SigningKey { derive("slipway fleet") }

    /// A key of the fleet's own that encrypts what no other program needs to read.
    func encryptionKey(for purpose: String) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: Data(purpose.utf8), outputByteCount: 32)
    }

    private func derive(_ info: String) -> SigningKey {
        SigningKey(HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: Data(info.utf8), outputByteCount: 32))
    }
}

/// A key that signs and checks messages.
public struct SigningKey: Sendable {
    private let key: SymmetricKey
    /// The two hashes of an HMAC (RFC 2104) before the first byte: the same for every message, and most of a short one's cost.
    private let inner, outer: SHA256

    init(_ key: SymmetricKey) {
        self.key = key
        inner = Self.hash(key, padding: 0x36)
        outer = Self.hash(key, padding: 0x5c)
    }

    private static func hash(_ key: SymmetricKey, padding: UInt8) -> SHA256 {
        var block = [UInt8](repeating: padding, count: SHA256.blockByteCount)
        key.withUnsafeBytes { bytes in
            precondition(bytes.count <= block.count, "a key is at most a block long")
            for place in bytes.indices { block[place] ^= bytes[place] }
        }
        var hash = SHA256()
        hash.update(data: block)
        return hash
    }

    /// Reads 32 bytes of base64, as `slipway cluster-key` prints them.
    public init?(base64: String) {
        guard let bytes = Data(base64Encoded: base64), bytes.count == 32 else { return nil }
        self.init(SymmetricKey(data: bytes))
    }

    /// The key in base64: a secret, to be shown once to who sets up an agent.
    public var base64: String { key.withUnsafeBytes { Data($0).base64EncodedString() } }

    /// The value of the header `slipway-signature`.
    public func sign(_ message: SignedParts, keyID: Int32) -> String {
        "v1:\(keyID):\(Data(code(of: message)).base64EncodedString())"
    }

    /// Whether the signature is this key's; takes the same time wherever it differs.
    public func verifies(_ signature: MessageSignature, of message: SignedParts) -> Bool {
        let expected = code(of: message).withUnsafeBytes { $0.loadUnaligned(as: SIMD4<UInt64>.self) }
        let difference = expected ^ signature.code
        return difference[0] | difference[1] | difference[2] | difference[3] == 0
    }

    /// The keys that open what is sealed for a cluster, derived from the key that it shares with the fleet.
    ///
    /// - Parameter former: Other keys of a rotation: what was sealed for them opens too.
    public func sealingKeys(of cluster: String, former: [SigningKey] = []) throws(SealingError) -> SealingKeys {
        try SealingKeys.make(former.map(\.sealingSecret) + [sealingSecret], of: .cluster(cluster))
    }

    private var sealingSecret: SecretBytes {
        let info = Data("slipway sealing v1".utf8)
        let derived = HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: info, outputByteCount: 32)
        return derived.withUnsafeBytes { SecretBytes($0) }
    }

    /// The HMAC, made of hashes that need no generic code: swift-crypto's own is a tenth of what a lane does for a message.
    private func code(of message: SignedParts) -> SHA256.Digest {
        var (inner, outer) = (inner, outer)
        message.bytes.withUnsafeBytes { inner.update(bufferPointer: $0) }
        inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
        return outer.finalize()
    }
}

/// A signature as the header `slipway-signature` carries it: `v1:<key number>:<base64>`.
public struct MessageSignature: Sendable, Hashable {
    /// The name of the header.
    public static let header = "slipway-signature"
    /// The number of the key.
    public let keyID: Int32
    /// The 32 bytes of the code.
    let code: SIMD4<UInt64>

    /// Takes the header's value apart; `nil` where it is not of that form.
    public init?(_ text: String) {
        var text = text
        guard let signature = text.withUTF8({ MessageSignature(bytes: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = signature
    }

    /// Takes the bytes of the header's value apart, without making a text of them; `nil` where they are not of that form.
    init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.starts(with: "v1:".utf8), let colon = bytes.lastIndex(of: UInt8(ascii: ":")), colon > 2,
            let number = DecimalDigits.number(UnsafeRawBufferPointer(rebasing: bytes[3..<colon])),
            let keyID = Int32(exactly: number),
            let code = Self.code(base64: UnsafeRawBufferPointer(rebasing: bytes[(colon + 1)...]))
        else { return nil }
        self.keyID = keyID
        self.code = code
    }

    /// Reads 32 bytes of base64, which are 43 characters and a sign of equality; `nil` for anything else.
    ///
    /// Written out, because one is read of every message: Foundation's takes four thousand instructions.
    private static func code(base64 text: UnsafeRawBufferPointer) -> SIMD4<UInt64>? {
        guard text.count == 44, text[43] == UInt8(ascii: "=") else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: 33, alignment: 8) { bytes -> SIMD4<UInt64>? in
            let sixBits = Self.sixBits
            var faults: UInt8 = 0
            for group in 0..<11 {
                var bits: UInt32 = 0
                for place in 0..<4 {
                    let character = group * 4 + place
                    let value = character == 43 ? 0 : sixBits[Int(text[character])]
                    faults |= value
                    bits = bits << 6 | UInt32(value & 63)
                }
                bytes[group * 3] = UInt8(truncatingIfNeeded: bits >> 16)
                bytes[group * 3 + 1] = UInt8(truncatingIfNeeded: bits >> 8)
                bytes[group * 3 + 2] = UInt8(truncatingIfNeeded: bits)
            }
            // What is left of the last character's six bits must be zero, so that a code has one text.
            guard faults < 64, bytes[32] == 0 else { return nil }
            return UnsafeRawBufferPointer(bytes).loadUnaligned(as: SIMD4<UInt64>.self)
        }
    }

    /// What each character of base64 stands for; 64 for any other.
    private static let sixBits: [UInt8] = {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        var values = [UInt8](repeating: 64, count: 256)
        for (value, character) in alphabet.utf8.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()
}
