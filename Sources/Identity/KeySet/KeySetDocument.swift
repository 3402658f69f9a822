internal import Crypto
internal import JSON
internal import JWTKit

/// Reads key sets as issuers publish them: with keys for other ends, of other kinds, or damaged, which are passed over.
enum KeySetDocument {
    /// One key of a document, before its numbers are checked.
    struct Entry: Sendable {
        let jwk: JWK
        let name: KeySet.KeyName
    }

    /// Reads a document.
    static func read(_ bytes: [UInt8]) throws(IdentityError) -> KeySet {
        var entries: [Entry] = []
        var passedOver: [String] = []
        let isKeySet = withKeys(of: bytes) { index, key in
            switch Self.entries(of: key) {
            case .success(let found): entries += found
            case .failure(let reason): passedOver.append("the key at \(index) \(reason.words)")
            }
        }
        guard isKeySet else {
            throw IdentityError(
                .keySetMalformed,
                "The key set is not JSON with an array 'keys' of JSON Web Keys (RFC 7517)."
            )
        }
        var keys: [KeySet.KeyName: any JWTAlgorithm] = [:]
        for (entry, algorithm) in zip(entries, algorithms(of: entries)) {
            guard let algorithm, algorithm.name == entry.name.algorithm.rawValue else {
                passedOver.append(
                    "a key for \(entry.name.algorithm.rawValue) has numbers that make no key, or a short one"
                )
                continue
            }
            guard keys[entry.name] == nil else {
                passedOver.append("a key for \(entry.name.algorithm.rawValue) has the 'kid' of another one")
                continue
            }
            keys[entry.name] = algorithm
        }
        return KeySet(identity: SHA256.hash(data: bytes), keys: keys, passedOver: passedOver)
    }

    /// Whether the document has the form of a key set.
    private static func withKeys(of bytes: [UInt8], _ body: (Int, JSONValue) -> Void) -> Bool {
        let parser = JSONParser(maximumDepth: 32)
        let isKeySet = try? parser.withDocument(bytes) { root in
            guard let keys = root["keys"], keys.isArray else { return false }
            var index = 0
            keys.forEachElement { key in
                body(index, key)
                index += 1
            }
            return true
        }
        return isKeySet ?? false
    }

    /// jwt-kit makes its algorithms inside an actor; afterwards they are plain values that any thread may call.
    private static func algorithms(of entries: [Entry]) -> [(any JWTAlgorithm)?] {
        CallingThread.run {
            var algorithms: [(any JWTAlgorithm)?] = []
            for entry in entries {
                let collection = JWTKeyCollection()
                let isAdded = (try? await collection.add(jwk: entry.jwk)) != nil
                algorithms.append(isAdded ? try? await collection.getKey(alg: entry.name.algorithm.rawValue) : nil)
            }
            return algorithms
        }
    }
}
