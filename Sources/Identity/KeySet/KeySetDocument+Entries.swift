internal import JSON
internal import JWTKit

extension KeySetDocument {
    /// Why a key is passed over.
    struct Unusable: Error {
        let words: String

        init(_ words: String) {
            self.words = words
        }
    }

    /// What a key may be used for: one entry for each algorithm.
    ///
    /// Only public parts are taken: a private key that was published by mistake signs nothing here.
    static func entries(of key: JSONValue) -> Result<[Entry], Unusable> {
        guard let id = key["kid"]?.string, !id.isEmpty else { return .failure(Unusable("has no 'kid'")) }
        guard isForSignatures(key) else { return .failure(Unusable("is not for signatures")) }
        let stated = key["alg"]?.string
        let possible = algorithms(kind: key["kty"]?.string, curve: key["crv"]?.string)
        let usable = possible.filter { stated == nil || stated == $0.rawValue }
        guard !usable.isEmpty else {
            return .failure(Unusable("is of a kind or for an algorithm that is not accepted"))
        }
        return .success(
            usable.compactMap { algorithm in
                jwk(key, id, algorithm).map { Entry(jwk: $0, name: .init(id: id, algorithm: algorithm)) }
            }
        )
    }

    private static func isForSignatures(_ key: JSONValue) -> Bool {
        if let use = key["use"], !use.equals("sig") { return false }
        guard let operations = key["key_ops"] else { return true }
        var verifies = false
        operations.forEachElement { verifies = verifies || $0.equals("verify") }
        return verifies
    }

    private static func algorithms(kind: String?, curve: String?) -> [TokenAlgorithm] {
        switch (kind, curve) {
        case ("RSA", _): [.rs256, .rs384, .rs512, .ps256]
        case ("EC", "P-256"): [.es256]
        case ("EC", "P-384"): [.es384]
        case ("EC", "P-521"): [.es512]
        case ("OKP", "Ed25519"): [.eddsa]
        default: []
        }
    }

    private static func jwk(_ key: JSONValue, _ id: String, _ algorithm: TokenAlgorithm) -> JWK? {
        let identifier = JWKIdentifier(string: id)
        let name = JWK.Algorithm(rawValue: algorithm.rawValue)
        let x = key["x"]?.string
        switch algorithm {
        case .rs256, .rs384, .rs512, .ps256:
            return .rsa(name, identifier: identifier, modulus: key["n"]?.string, exponent: key["e"]?.string)
        case .es256: return .ecdsa(name, identifier: identifier, x: x, y: key["y"]?.string, curve: .p256)
        case .es384: return .ecdsa(name, identifier: identifier, x: x, y: key["y"]?.string, curve: .p384)
        case .es512: return .ecdsa(name, identifier: identifier, x: x, y: key["y"]?.string, curve: .p521)
        case .eddsa: return .octetKeyPair(name, identifier: identifier, x: x, y: nil, curve: .ed25519)
        }
    }
}
