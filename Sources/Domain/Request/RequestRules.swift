import WorkerRuntime

/// The rules of requests that need no state: names, sizes, ranges.
enum RequestRules {
    static func check(_ body: RequestBody) throws(Reason) {
        switch body {
        case .createProject(let body):
            try name(body.project, "project")
            try text(body.name, "name")
        case .registerCluster(let body):
            try name(body.cluster, "cluster")
            try text(body.name, "name")
        case .createEnvironment(let body):
            try name(body.project, "project")
            try name(body.environment, "environment")
            try name(body.cluster, "cluster")
            try name(body.namespace ?? "\(body.project)-\(body.environment)", "namespace")
        case .createApplication(let body):
            try name(body.project, "project")
            try name(body.application, "application")
            try text(body.artifact, "artifact")
        case .createAutoDeploy(let body):
            try name(body.project, "project")
            try name(body.environment, "environment")
            try name(body.application, "application")
            try name(body.instance, "instance", limit: 53)
            _ = try VersionRange.parse(body.versions ?? "*")
            try BranchFilter.check(body.branches ?? [])
            if let values = body.values { try ValuesYAML.check(values, field: "values") }
        case .deployInstance(let body):
            try name(body.project, "project")
            try name(body.environment, "environment")
            try name(body.application, "application")
            try name(body.instance, "instance", limit: 53)
            try deployment(version: body.version, values: body.values, timeout: body.timeoutSeconds)
        case .upgradeInstance(let body):
            try name(body.project, "project")
            try name(body.environment, "environment")
            try name(body.instance, "instance", limit: 53)
            try deployment(version: body.version, values: body.values, timeout: body.timeoutSeconds)
        }
    }

    private static func deployment(version: String, values: String?, timeout: Int?) throws(Reason) {
        guard !version.isEmpty, version.utf8.count <= 128 else {
            throw Reason(
                code: "invalid_field",
                sentence: "'version' should have 1 to 128 characters.",
                field: "version"
            )
        }
        if let values { try ValuesYAML.check(values, field: "values") }
        if let timeout, !(10...86_400).contains(timeout) {
            throw Reason(
                code: "invalid_field",
                sentence: "'timeoutSeconds' is \(timeout); it should be from 10 to 86400.",
                field: "timeoutSeconds"
            )
        }
    }

    /// A DNS-1123 label, as Kubernetes asks of names; a helm release has at most 53 characters.
    private static func name(_ text: String, _ field: String, limit: Int = 63) throws(Reason) {
        let bytes = Array(text.utf8)
        let isLabel = bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        guard isLabel, !bytes.isEmpty, bytes.count <= limit, bytes.first != 45, bytes.last != 45 else {
            throw Reason(
                code: "invalid_name",
                sentence:
                    "'\(field)' is '\(text.prefix(80))'; it should be 1 to \(limit) lower-case letters, digits and "
                    + "hyphens, and begin and end with a letter or digit.",
                field: field
            )
        }
    }

    private static func text(_ text: String?, _ field: String) throws(Reason) {
        guard let text else { return }
        guard !text.isEmpty, text.utf8.count <= 200 else {
            throw Reason(code: "invalid_field", sentence: "'\(field)' should have 1 to 200 characters.", field: field)
        }
    }
}
