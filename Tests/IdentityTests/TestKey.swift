import Base64URL
import Crypto
import CryptoExtras
import Foundation

/// A key pair of an identity provider of another make, which writes its tokens by itself.
struct TestKey: Sendable {
    let id: String
    let algorithm: String
    /// The public part as a JSON Web Key, in JSON.
    let jwk: String
    let sign: @Sendable ([UInt8]) throws -> [UInt8]

    /// A token with these claims, in JSON.
    func token(_ claims: String, header: String? = nil) throws -> String {
        let header = header ?? #"{"alg":"\#(algorithm)","typ":"JWT","kid":"\#(id)"}"#
        let signed = "\(Base64URL.encode(header.utf8)).\(Base64URL.encode(claims.utf8))"
        return "\(signed).\(Base64URL.encode(try sign(Array(signed.utf8))))"
    }

    static func keySet(_ keys: [String]) -> String {
        #"{"keys":[\#(keys.joined(separator: ","))]}"#
    }
}

extension TestKey {
    static let algorithms = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"]

    static func make(_ algorithm: String, id: String = "key-1") throws -> TestKey {
        switch algorithm {
        case "ES256":
            let key = P256.Signing.PrivateKey()
            let jwk = curve("P-256", key.publicKey.rawRepresentation, algorithm, id)
            return TestKey(id: id, algorithm: algorithm, jwk: jwk) {
                Array(try key.signature(for: $0).rawRepresentation)
            }
        case "ES384":
            let key = P384.Signing.PrivateKey()
            let jwk = curve("P-384", key.publicKey.rawRepresentation, algorithm, id)
            return TestKey(id: id, algorithm: algorithm, jwk: jwk) {
                Array(try key.signature(for: $0).rawRepresentation)
            }
        case "ES512":
            let key = P521.Signing.PrivateKey()
            let jwk = curve("P-521", key.publicKey.rawRepresentation, algorithm, id)
            return TestKey(id: id, algorithm: algorithm, jwk: jwk) {
                Array(try key.signature(for: $0).rawRepresentation)
            }
        case "EdDSA":
            let key = Curve25519.Signing.PrivateKey()
            let x = Base64URL.encode(key.publicKey.rawRepresentation)
            let jwk = #"{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"\#(id)","x":"\#(x)"}"#
            return TestKey(id: id, algorithm: algorithm, jwk: jwk) { Array(try key.signature(for: $0)) }
        default:
            return try rsa(algorithm, id: id, jwkAlgorithm: algorithm)
        }
    }

    /// An RSA key whose JSON Web Key may leave open with which algorithm it signs.
    static func rsa(_ algorithm: String, id: String, jwkAlgorithm: String?) throws -> TestKey {
        let key = try sharedRSA.get()
        let numbers = try key.publicKey.getKeyPrimitives()
        let stated = jwkAlgorithm.map { #""alg":"\#($0)","# } ?? ""
        let n = Base64URL.encode(numbers.modulus)
        let e = Base64URL.encode(numbers.publicExponent)
        let jwk = #"{"kty":"RSA",\#(stated)"use":"sig","kid":"\#(id)","n":"\#(n)","e":"\#(e)"}"#
        return TestKey(id: id, algorithm: algorithm, jwk: jwk) { bytes in
            let padding: _RSA.Signing.Padding = algorithm.hasPrefix("PS") ? .PSS : .insecurePKCS1v1_5
            let data = Data(bytes)
            switch algorithm.suffix(3) {
            case "384":
                return Array(try key.signature(for: SHA384.hash(data: data), padding: padding).rawRepresentation)
            case "512":
                return Array(try key.signature(for: SHA512.hash(data: data), padding: padding).rawRepresentation)
            default: return Array(try key.signature(for: SHA256.hash(data: data), padding: padding).rawRepresentation)
            }
        }
    }

    /// Making one takes a while.
    private static let sharedRSA = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }

    private static func curve(_ name: String, _ point: Data, _ algorithm: String, _ id: String) -> String {
        let x = Base64URL.encode(point.prefix(point.count / 2))
        let y = Base64URL.encode(point.suffix(point.count / 2))
        return
            #"{"kty":"EC","crv":"\#(name)","alg":"\#(algorithm)","use":"sig","kid":"\#(id)","x":"\#(x)","y":"\#(y)"}"#
    }
}
