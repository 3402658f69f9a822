public import JSON

/// The containers of a pod that was observed.
public enum ContainerList {
    /// The rows of a pod's object as it is stored, in the order in which the pod names its containers: init first.
    ///
    /// - Throws: `JSONError` where the bytes are no JSON.
    public static func rows(ofPod bytes: [UInt8], parser: JSONParser) throws -> [ContainerRow] {
        try parser.withDocument(bytes) { rows(of: KubernetesObject($0)) }
    }

    /// Which lists of a pod hold containers and their states.
    private static let lists: [(spec: StaticString, status: StaticString, role: ContainerRow.Role)] = [
        ("initContainers", "initContainerStatuses", .initial),
        ("containers", "containerStatuses", .main),
        ("ephemeralContainers", "ephemeralContainerStatuses", .ephemeral),
    ]

    static func rows(of pod: KubernetesObject) -> [ContainerRow] {
        let podState = PodText(pod).text
        let sidecars = PodText.sidecars(pod)
        var rows: [ContainerRow] = []
        for list in lists {
            pod.spec?[list.spec]?.forEachElement { container in
                let name = container["name"]?.string ?? ""
                let status = pod.status?[list.status]?.first { $0["name"]?.equals(text: name) == true }
                let role = list.role == .initial && sidecars.contains(name) ? .sidecar : list.role
                rows.append(row(pod, podState, name, role, container, status))
            }
        }
        return rows
    }

    private static func row(
        _ pod: KubernetesObject,
        _ podState: String,
        _ name: String,
        _ role: ContainerRow.Role,
        _ container: JSONValue,
        _ status: JSONValue?
    ) -> ContainerRow {
        let hasRun = status?["state"]?["terminated"].map { !$0.isNull } ?? false
        return ContainerRow(
            pod: pod.name?.string ?? "",
            container: name,
            role: role,
            podState: podState,
            // The kubelet has not spoken of it yet: the pod's own state is all that is known.
            state: status.map(ContainerText.text) ?? podState,
            isReady: (status?["ready"]?.bool ?? false) && !(role == .initial && hasRun),
            restarts: status?["restartCount"]?.int ?? 0,
            image: ContainerText.filled(container["image"]) ?? ContainerText.filled(status?["image"]),
            node: ContainerText.filled(pod.spec?["nodeName"]),
            address: ContainerText.filled(pod.status?["podIP"]),
            started: ContainerText.filled(status?["state"]?["running"]?["startedAt"])
                ?? ContainerText.filled(status?["state"]?["terminated"]?["startedAt"])
        )
    }
}
