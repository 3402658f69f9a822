import Postgres
import WorkerRuntime

/// `slipway.config-map.update.v1`: other data, another description, or both; what is left out stays as it is.
struct UpdateConfigMap: ObjectRequest {
    static let name = "config-map.update"
    static let concept = ObjectConcept.configMap

    let project: String
    let environment: String
    let configMap: String
    let description: String?
    /// All of the data: a key that is left out goes.
    let data: [String: String]?
    let timeoutSeconds: Int?

    var object: String { configMap }

    func check() throws(Reason) {
        try checkNames()
        try DataKeys.checkDescription(description, FieldPath("description"))
        if let data { return try DataKeys.check(data, FieldPath("data")) }
        guard description != nil else {
            throw Reason(
                code: "missing_field",
                sentence: "'data' and 'description' are missing; at least one of them should be there.",
                field: "data"
            )
        }
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try ObjectChanger(act, self).edit(in: transaction) { known in
            guard let present = known.present else { throw ObjectRefusal.unknown(Self.concept, object) }
            guard let data else {
                var content = ObjectContent(base: present)
                content.description = description
                return content
            }
            return try ObjectContent(ConfigMapSpec(data: data), description: description)
        }
    }
}
