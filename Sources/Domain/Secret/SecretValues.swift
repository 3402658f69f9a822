import Foundation
import Sealing
import WorkerRuntime

/// Takes the sealed values of a request into those of a row.
struct SecretValues {
    private let vault: ObjectVault
    private let place: ConfidentialPlace

    init(_ act: RequestAct, _ place: ConfidentialPlace) {
        vault = ObjectVault(sealing: act.desk.sealing, keyRing: act.desk.keyRing)
        self.place = place
    }

    /// The present values with the request's over them, key by key.
    func putting(_ sealed: [String: String], into present: EncryptedValues) throws -> EncryptedValues {
        var values = present
        for (key, text) in sealed.sorted(by: { $0.key < $1.key }) {
            let at = FieldPath("data")[key]
            let value = try vault.open(text, of: place, key, at)
            try Self.check(value, key, at)
            values[key] = try vault.encrypt(value, over: present[key], of: place, key)
        }
        return values
    }

    /// Refuses what the API server would refuse; says nothing of the value.
    private static func check(_ value: SecretBytes, _ key: String, _ at: FieldPath) throws(Reason) {
        guard key == ".dockerconfigjson" || key == ".dockercfg" else { return }
        let isObject = value.withUnsafeBytes { bytes in
            (try? JSONSerialization.jsonObject(with: Data(bytes))) is [String: Any]
        }
        guard isObject else {
            throw at.reason("invalid_value", "is not JSON; it should be what 'docker login' writes: an object")
        }
    }
}
