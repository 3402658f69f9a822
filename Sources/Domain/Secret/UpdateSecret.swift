import Postgres
import WorkerRuntime

/// `slipway.secret.update.v1`: some keys anew, others gone; what is not named stays as it is.
struct UpdateSecret: ObjectRequest {
    static let name = "secret.update"
    static let concept = ObjectConcept.secret

    let project: String
    let environment: String
    let secret: String
    let description: String?
    /// The sealed values of the keys that are new or change.
    let data: [String: String]?
    /// The keys that go.
    let remove: [String]?
    let timeoutSeconds: Int?

    var object: String { secret }

    func check() throws(Reason) {
        try checkNames()
        try DataKeys.checkDescription(description, FieldPath("description"))
        guard data != nil || remove != nil || description != nil else {
            throw Reason(
                code: "missing_field",
                sentence: "'data', 'remove' and 'description' are missing; at least one of them should be there.",
                field: "data"
            )
        }
        if let data {
            try DataKeys.check(data, FieldPath("data"))
            for (key, value) in data.sorted(by: { $0.key < $1.key }) {
                try SealedText.check(value, FieldPath("data")[key])
            }
        }
        for (index, key) in (remove ?? []).enumerated() where data?[key] != nil {
            throw FieldPath("remove")[index].reason(
                "contradiction",
                "names the key '\(key.prefix(80))', which 'data' gives anew; it should stand in one of them"
            )
        }
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try ObjectChanger(act, self).edit(in: transaction) { known in
            guard let present = known.present else { throw ObjectRefusal.unknown(Self.concept, object) }
            var content = ObjectContent(base: present)
            for (index, key) in (remove ?? []).enumerated() {
                guard content.confidential[key] != nil else {
                    throw FieldPath("remove")[index].reason(
                        "unknown_key",
                        "names the key '\(key.prefix(80))', which the secret does not have"
                    )
                }
                content.confidential[key] = nil
            }
            let values = SecretValues(act, confidentialPlace)
            content.confidential = try values.putting(data ?? [:], into: content.confidential)
            let keys = Set(content.confidential.names)
            guard !keys.isEmpty else {
                throw FieldPath("remove").reason(
                    "last_key",
                    "leaves the secret without a key; delete the secret instead"
                )
            }
            let type = try present.decode(StoredSecret.self).type
            try SecretSpec.checkDemanded(type, keys, FieldPath("remove"))
            content.description = description
            return content
        }
    }
}
