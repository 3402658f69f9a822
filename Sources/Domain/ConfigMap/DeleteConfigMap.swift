/// `slipway.config-map.delete.v1`: takes a config map away.
struct DeleteConfigMap: ObjectDeletion {
    static let name = "config-map.delete"
    static let concept = ObjectConcept.configMap

    let project: String
    let environment: String
    let configMap: String
    let timeoutSeconds: Int?

    var object: String { configMap }
}
