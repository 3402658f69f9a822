internal import Base64URL
internal import Crypto
internal import Foundation
internal import JSON
internal import KeyFile

/// Makes tokens: for demos, tests and small installations that have no identity provider.
///
/// Signs with ES256. Its key is a file of its own (PEM, mode 0600) that is never overwritten. Never prints its key.
public struct TokenIssuer: Sendable {
    /// The name of the key: the thumbprint of its public part (RFC 7638).
    public let keyID: String
    private let key: P256.Signing.PrivateKey

    private init(_ key: P256.Signing.PrivateKey) {
        self.key = key
        keyID = PublishedKeys.thumbprint(of: key.publicKey)
    }

    /// Makes a key, writes it to a file, and adds its public part to a key set.
    ///
    /// Where the key set exists its other keys stay in it, so that tokens of an older key stay valid.
    ///
    /// - Parameters:
    ///   - path: The file of the private key; it must not exist.
    ///   - keySet: The file of the key set.
    /// - Throws: ``IdentityError``; then nothing is left behind.
    public static func create(privateKey path: String, keySet: String) throws(IdentityError) -> TokenIssuer {
        let issuer = TokenIssuer(P256.Signing.PrivateKey())
        let published = try PublishedKeys.adding(issuer.key.publicKey, to: keySet)
        do throws(KeyFileError) {
            try KeyFile.createPrivate(path, Array(issuer.key.pemRepresentation.utf8) + [UInt8(ascii: "\n")])
        } catch {
            throw IdentityError(.file, error)
        }
        do throws(KeyFileError) {
            try KeyFile.replace(keySet, published, mode: 0o644)
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw IdentityError(.file, error)
        }
        return issuer
    }

    /// Reads the key that ``create(privateKey:keySet:)`` wrote; nobody but its owner may be able to read the file.
    public static func load(privateKey path: String) throws(IdentityError) -> TokenIssuer {
        let bytes: [UInt8]
        do throws(KeyFileError) {
            bytes = try KeyFile.readPrivate(path)
        } catch {
            throw IdentityError(.privateKey, error)
        }
        guard let key = try? P256.Signing.PrivateKey(pemRepresentation: String(decoding: bytes, as: UTF8.self)) else {
            throw IdentityError(.privateKey, "The file '\(path)' should hold a private key for ES256 (P-256) in PEM.")
        }
        return TokenIssuer(key)
    }

    /// Makes a token.
    ///
    /// - Parameters:
    ///   - subject: Who the caller is.
    ///   - issuer: Who says so.
    ///   - audience: For whom the token is meant.
    ///   - lifetime: How long it is valid; whole seconds count.
    ///   - microseconds: When it is issued, in microseconds since 1970; a fraction of a second is cut off.
    /// - Returns: The token, to be sent as `Bearer <token>` and never to be printed.
    public func token(
        for subject: String,
        issuer: String? = nil,
        audience: String? = nil,
        lifetime: Duration = .seconds(300),
        at microseconds: Int64
    ) throws(IdentityError) -> String {
        let issued = microseconds / 1_000_000
        let header = JSONWriter.object { writer in
            writer.member("alg", "ES256")
            writer.member("typ", "JWT")
            writer.member("kid", keyID)
        }
        let claims = JSONWriter.object { writer in
            writer.member("sub", subject)
            if let issuer { writer.member("iss", issuer) }
            if let audience { writer.member("aud", audience) }
            writer.member("iat", issued)
            writer.member("exp", issued + lifetime.microseconds / 1_000_000)
        }
        let signed = "\(Base64URL.encode(header)).\(Base64URL.encode(claims))"
        guard let signature = try? key.signature(for: Data(signed.utf8)) else {
            throw IdentityError(.privateKey, "The private key makes no signature; make another key.")
        }
        return "\(signed).\(Base64URL.encode(signature.rawRepresentation))"
    }
}

extension TokenIssuer: CustomStringConvertible, CustomReflectable {
    /// The name of the key, never the key.
    public var description: String { "the issuer of tokens with the key \(keyID)" }
    /// Shows the name of the key, never the key.
    public var customMirror: Mirror { Mirror(self, children: ["keyID": keyID]) }
}
