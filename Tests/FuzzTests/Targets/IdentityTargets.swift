import JSON

@testable import Identity
@testable import Sealing

/// Who calls, and with which keys: read, or refused, and never a part of a token or a key in the refusal.
extension FuzzTarget {
    static let identity = [token, claims, keySet, keyList, sealedFields]

    private static let token = FuzzTarget("token") {
        let parser = JSONParser(maximumDepth: 32)
        return { bytes in
            do throws(TokenRefusal) {
                let parts = try BearerToken.read(String(decoding: bytes, as: UTF8.self)).parts()
                _ = try TokenHeader.read(parts.header, with: parser)
                _ = try TokenClaims.read(parts.payload, with: parser)
            } catch { try check(error) }
        }
    }

    /// A token's JSON without its base64url, which a fuzzer hardly gets through.
    private static let claims = FuzzTarget("token-json") {
        let parser = JSONParser(maximumDepth: 32)
        return { bytes in
            do throws(TokenRefusal) { _ = try TokenHeader.read(bytes, with: parser) } catch { try check(error) }
            do throws(TokenRefusal) { _ = try TokenClaims.read(bytes, with: parser) } catch { try check(error) }
        }
    }

    private static func check(_ refusal: TokenRefusal) throws {
        guard (1..<1_000).contains(refusal.sentence.utf8.count) else {
            throw FuzzFault("'\(refusal.code)' has a sentence of \(refusal.sentence.utf8.count) bytes")
        }
    }

    private static let keySet = FuzzTarget("key-set") { bytes in
        guard let set = try? KeySetDocument.read(bytes) else { return }
        for words in set.passedOver where words.utf8.count > 1_000 {
            throw FuzzFault("a key that is passed over has \(words.utf8.count) bytes of words")
        }
    }

    private static let keyList = FuzzTarget("key-list") { bytes in
        guard let list = try? KeyList.read(bytes, of: "keys"), let ring = try? KeyRing(list) else { return }
        guard ring.keyIDs.count == list.entries.count else { throw FuzzFault("a key was lost") }
    }

    private static let sealedFields = FuzzTarget("sealed") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        if let field = try? SealedField.parse(text), try SealedField.parse(field.text) != field {
            throw FuzzFault("a sealed field is another one when it is written and read again")
        }
        _ = try? SealingPublicKey.parse(text, of: .fleet)
        _ = try? KeyRing.keyID(of: bytes)
    }
}
