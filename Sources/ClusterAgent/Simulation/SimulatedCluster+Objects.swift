import Domain

/// Single objects: networks, domains, certificates, config maps and secrets.
extension SimulatedCluster {
    /// Applies the objects of a subject, removes what it names, and marks the pods that it wants marked.
    mutating func apply(_ request: ObjectsRequested, _ secrets: OpenedSecrets) throws(WorkFailure) {
        try requireNamespace(request.namespace)
        let subject = ClusterWork.objects(request).subject
        var manifests: [Manifest] = []
        do throws(ManifestError) {
            for object in request.objects { manifests.append(try Manifest(object, of: request)) }
        } catch {
            throw WorkFailure(code: "apply_failed", message: error.sentence)
        }
        manifests += (request.secrets ?? []).map { secret in
            Manifest(secret: secret.name, type: secret.type, keys: secret.values.keys.sorted(), of: request)
        }
        for id in manifests.map(\.id) {
            guard let owner = currentOwner(of: id), !request.subject.mayChange(owner) else { continue }
            throw WorkFailure.taken(id.kind, id.name, by: owner, wantedFor: request.subject)
        }
        let before = changes
        for reference in request.removed ?? [] {
            let id = ClusterObject.ID(kind: reference.kind, namespace: request.namespace, name: reference.name)
            if request.subject.mayChange(currentOwner(of: id)) { remove(id) }
        }
        let after = manifests.map(\.id)
        replace(after, of: subject)
        if !after.isEmpty { releases[subject] = Release(objects: after, podMark: request.podMark) }
        for manifest in manifests { upsert(manifest, isRenewed: request.isRenewal) }
        markPods(in: request.namespace)
        noteEffect(of: .objects(request), since: before)
    }

    /// Whose an object is; `nil` where there is none, or it is nobody's.
    func currentOwner(of id: ClusterObject.ID) -> LiveOwner? {
        objects[id].flatMap { LiveOwner(labels: $0.labels, annotations: $0.annotations) }
    }

    /// The labels of a pod, with those that networks of several instances want and without those nobody wants.
    func marked(_ pod: ClusterObject) -> [String: String] {
        var labels = pod.labels.filter { !$0.key.hasPrefix(Self.markPrefix) }
        guard let instance = pod.instance else { return labels }
        for (subject, release) in releases where subject.namespace == pod.id.namespace {
            guard let mark = release.podMark, mark.instances.contains(instance) else { continue }
            labels[mark.label] = "true"
        }
        return labels
    }

    private static let markPrefix = "network.slipway.io/"

    private mutating func markPods(in namespace: String) {
        for id in objects.keys.sorted() where id.kind == "Pod" && id.namespace == namespace {
            if let pod = objects[id] { put(pod) }
        }
    }

    /// Has a certificate issued, for the first time or anew; until then what was there before stays.
    mutating func order(_ id: ClusterObject.ID) {
        guard var certificate = objects[id] else { return }
        certificate.status = CertificateStatus.issuing(after: certificate.status, now: now)
        put(certificate)
        later(timings.issue, .settle(id, uid: certificate.uid))
    }

    /// Gives a certificate that was issued its secret, as cert-manager does.
    mutating func issue(_ certificate: ClusterObject) {
        guard CertificateStatus(object: certificate, now: now).isIssued,
            let name = certificate.spec?["secretName"]?.string
        else { return }
        let id = ClusterObject.ID(kind: "Secret", namespace: certificate.id.namespace, name: name)
        guard objects[id] == nil else { return }
        put(
            ClusterObject(
                id: id,
                apiVersion: "v1",
                uid: random.uuid(),
                generation: nil,
                resourceVersion: "",
                labels: [:],
                owner: certificate.asOwner,
                createdAt: now,
                spec: nil,
                status: nil,
                content: Manifest.content(ofSecret: "kubernetes.io/tls", keys: ["tls.crt", "tls.key"])
            )
        )
    }
}

/// What cert-manager says of a certificate some seconds after it was asked for.
struct CertificateStatus {
    let object: ClusterObject
    let now: Int64
    private static let life: Int64 = 90 * 86_400 * 1_000_000

    /// Names that begin with `fail`, its own or one that it is for, are not given a certificate.
    var isIssued: Bool {
        let names = (object.spec?["dnsNames"]?.elements ?? []).compactMap(\.string) + [object.id.name]
        return !names.contains { $0.hasPrefix("fail") }
    }

    /// What it says until the issuer has answered: of a certificate that is there, what it said, and that it is issued
    /// anew.
    static func issuing(after status: ObjectValue? = nil, now: Int64) -> ObjectValue {
        let time = ObjectValue.string(ClusterObject.time(now))
        let isFirst = status?["notAfter"] == nil
        let reason: ObjectValue = isFirst ? "DoesNotExist" : "ManuallyTriggered"
        let why: ObjectValue =
            isFirst ? "Issuing certificate as Secret does not exist" : "Certificate re-issuance manually triggered"
        let isIssuing: ObjectValue = [
            "type": "Issuing", "status": "True", "reason": reason, "lastTransitionTime": time, "message": why,
        ]
        var isReady: ObjectValue = [
            "type": "Ready", "status": "False", "reason": reason, "lastTransitionTime": time, "message": why,
        ]
        let conditions = status?["conditions"]?.elements ?? []
        if let before = conditions.first(where: { $0["type"]?.string == "Ready" }) { isReady = before }
        var issuing = status ?? .empty
        issuing["conditions"] = .array([isIssuing, isReady])
        return issuing
    }

    var value: ObjectValue {
        let time = ObjectValue.string(ClusterObject.time(now))
        guard isIssued else {
            return [
                "conditions": [
                    ["type": "Ready", "status": "False", "reason": "DoesNotExist", "lastTransitionTime": time],
                    [
                        "type": "Issuing", "status": "False", "reason": "Failed", "lastTransitionTime": time,
                        "message": "The certificate request has failed to complete: the domain cannot be proved.",
                    ],
                ],
                "failedIssuanceAttempts": 1, "lastFailureTime": time,
            ]
        }
        return [
            "conditions": [
                [
                    "type": "Ready", "status": "True", "reason": "Ready", "lastTransitionTime": time,
                    "message": "Certificate is up to date and has not expired",
                ]
            ],
            "notBefore": time, "notAfter": .string(ClusterObject.time(now + Self.life)),
            "renewalTime": .string(ClusterObject.time(now + Self.life * 2 / 3)),
            "revision": .int((object.status?["revision"]?.int ?? 0) + 1),
        ]
    }
}
