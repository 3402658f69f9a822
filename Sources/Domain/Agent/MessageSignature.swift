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
    /// The code's state before the first byte: the same for every message, and most of a short message's cost.
    private let blank: HMAC<SHA256>

    init(_ key: SymmetricKey) {
        self.key = key
        blank = HMAC<SHA256>(key: key)
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
        code(of: message).withUnsafeBytes { expected in
            signature.code.withUnsafeBytes { given in
                guard expected.count == given.count else { return false }
                var difference: UInt8 = 0
                for place in 0..<expected.count { difference |= expected[place] ^ given[place] }
                return difference == 0
            }
        }
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

    private func code(of message: SignedParts) -> HMAC<SHA256>.MAC {
        var code = blank
        message.bytes.withUnsafeBytes { code.update(data: $0) }
        return code.finalize()
    }
}

/// A signature as the header `slipway-signature` carries it: `v1:<key number>:<base64>`.
public struct MessageSignature: Sendable, Hashable {
    /// The name of the header.
    public static let header = "slipway-signature"
    /// The number of the key.
    public let keyID: Int32
    let code: Data

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
            let code = Data(base64Encoded: Data(bytes[(colon + 1)...])), code.count == 32
        else { return nil }
        self.keyID = keyID
        self.code = code
    }
}
