internal import Base64URL
internal import Crypto
internal import Foundation
internal import JSON
internal import KeyFile

/// The file of the key set in which an issuer publishes its keys.
enum PublishedKeys {
    /// The document with one more key; the keys that are in the file stay as they are.
    static func adding(_ key: P256.Signing.PublicKey, to path: String) throws(IdentityError) -> [UInt8] {
        let others = try keys(of: path)
        return JSONWriter.object { writer in
            writer.array("keys") { writer in
                for other in others { writer.value(json: other) }
                write(key, to: &writer)
            }
        }
    }

    /// The name that follows from the key alone (RFC 7638): the members that make it, in the order of their names.
    static func thumbprint(of key: P256.Signing.PublicKey) -> String {
        let (x, y) = coordinates(key)
        let members = JSONWriter.object { writer in
            writer.member("crv", "P-256")
            writer.member("kty", "EC")
            writer.member("x", x)
            writer.member("y", y)
        }
        return Base64URL.encode(SHA256.hash(data: members))
    }

    private static func write(_ key: P256.Signing.PublicKey, to writer: inout JSONWriter) {
        let (x, y) = coordinates(key)
        writer.object { writer in
            writer.member("kty", "EC")
            writer.member("crv", "P-256")
            writer.member("alg", "ES256")
            writer.member("use", "sig")
            writer.member("kid", thumbprint(of: key))
            writer.member("x", x)
            writer.member("y", y)
        }
    }

    private static func coordinates(_ key: P256.Signing.PublicKey) -> (x: String, y: String) {
        let point = key.rawRepresentation
        return (Base64URL.encode(point.prefix(32)), Base64URL.encode(point.suffix(32)))
    }

    /// The keys that are in the file, each as it is written; none where there is no file.
    private static func keys(of path: String) throws(IdentityError) -> [[UInt8]] {
        let bytes: [UInt8]
        do throws(KeyFileError) {
            bytes = try KeyFile.readPublic(path)
        } catch {
            guard error.code == .missing else { throw IdentityError(.file, error) }
            return []
        }
        guard let document = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
            let keys = document["keys"] as? [[String: Any]]
        else {
            throw IdentityError(
                .keySetMalformed,
                "The file '\(path)' exists and is not a key set; name another file for the key set."
            )
        }
        return keys.compactMap { key in
            (try? JSONSerialization.data(withJSONObject: key, options: [.sortedKeys])).map(Array.init)
        }
    }
}
