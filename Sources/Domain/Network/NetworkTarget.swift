import WorkerRuntime

/// What a network leads to: exactly one of its members is there.
struct NetworkTarget: Codable, Sendable, Hashable {
    /// All pods of these instances.
    var instances: [String]?
    /// All pods of all instances of this application.
    var application: String?
    /// All pods with these labels.
    var labels: [String: String]?
    /// Hosts outside the cluster.
    var endpoints: [NetworkEndpoints]?

    static let maximumInstances = 64

    init(
        instances: [String]? = nil,
        application: String? = nil,
        labels: [String: String]? = nil,
        endpoints: [NetworkEndpoints]? = nil
    ) {
        self.instances = instances
        self.application = application
        self.labels = labels
        self.endpoints = endpoints
    }

    /// The target with everything written out that was left out.
    func checked(for ports: [NetworkPort], _ at: FieldPath) throws(Reason) -> NetworkTarget {
        let given = [
            instances.map { _ in "instances" }, application.map { _ in "application" }, labels.map { _ in "labels" },
            endpoints.map { _ in "endpoints" },
        ].compactMap { $0 }
        guard given.count == 1 else {
            let found = given.isEmpty ? "empty" : "made of \(given.joined(separator: " and "))"
            throw at.wrong(found, should: "exactly one of instances, application, labels and endpoints")
        }
        if let instances { return NetworkTarget(instances: try Self.checked(instances, at["instances"])) }
        if let application {
            try Self.checkName(application, limit: 63, at["application"])
            return NetworkTarget(application: application)
        }
        if let labels {
            try AnnotationRules.checkSelector(labels, at: at["labels"])
            return NetworkTarget(labels: labels)
        }
        return NetworkTarget(endpoints: try NetworkEndpoints.checked(endpoints ?? [], for: ports, at["endpoints"]))
    }

    /// The order in which instances are named says nothing.
    private static func checked(_ instances: [String], _ at: FieldPath) throws(Reason) -> [String] {
        guard (1...maximumInstances).contains(instances.count) else {
            throw at.wrong("a list of \(instances.count)", should: "a list of 1 to \(maximumInstances) instances")
        }
        for (index, instance) in instances.enumerated() {
            try checkName(instance, limit: 53, at[index])
            guard !instances[..<index].contains(instance) else {
                throw at[index].reason("duplicate", "repeats the instance '\(instance)'; it should stand once")
            }
        }
        return instances.sorted()
    }

    private static func checkName(_ name: String, limit: Int, _ at: FieldPath) throws(Reason) {
        guard KubernetesSyntax.isLabel(name, limit: limit) else {
            throw at.wrong(
                text: name,
                should:
                    "1 to \(limit) lower-case letters, digits and hyphens, and begin and end with a letter or digit",
                code: "invalid_name"
            )
        }
    }
}
