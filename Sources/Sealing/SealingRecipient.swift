internal import Crypto
internal import Foundation

/// For whom a field is sealed; what is sealed for one opens for no other, even with the same key.
public enum SealingRecipient: Sendable, Hashable, CustomStringConvertible {
    /// The fleet, which encrypts it at rest.
    case fleet
    /// One cluster's agent, which puts it into the cluster.
    case cluster(String)

    /// As HPKE's `info` names it.
    public var description: String {
        switch self {
        case .fleet: "fleet"
        case .cluster(let name): "cluster/\(name)"
        }
    }

    func info(_ keyID: String) -> Data {
        Data("slipway sealed v1 \(self) \(keyID)".utf8)
    }
}

enum SealingSuite {
    static var suite: HPKE.Ciphersuite { .Curve25519_SHA256_ChachaPoly }

    /// The name of a key, which follows from the key: the start of its SHA-256 in hexadecimal.
    static func fingerprint(_ key: Curve25519.KeyAgreement.PublicKey) -> String {
        let digits = Array("0123456789abcdef")
        return SHA256.hash(data: key.rawRepresentation).prefix(8)
            .reduce(into: "") { text, byte in
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
    }
}
