import Postgres
import WorkerRuntime

/// `slipway.config-map.create.v1`: plain configuration for what runs in an environment.
struct CreateConfigMap: ObjectRequest {
    static let name = "config-map.create"
    static let concept = ObjectConcept.configMap

    let project: String
    let environment: String
    let configMap: String
    let description: String?
    let data: [String: String]
    let timeoutSeconds: Int?

    var object: String { configMap }

    func check() throws(Reason) {
        try checkNames()
        try ConfigMapSpec(description: description, data: data).check()
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try ObjectChanger(act, self).create(in: transaction) { _ in
            try ObjectContent(ConfigMapSpec(data: data), description: description)
        }
    }
}
