/// How many objects of an instance are of one kind and health.
struct ResourceTally: Sendable, Hashable {
    var kind: String
    var health: Health
    var count: Int
    /// Pods that are ready.
    var ready = 0
    /// One of the objects with its reason, for people.
    var example: String?
    /// The failure sign of one of the pods.
    var sign: String?
    /// Whether other objects speak for these: a CronJob for its Jobs, helm for its hooks, a Job for its pods, a ReplicaSet
    /// for those of its pods that have failed.
    var isApart = false

    /// How many of these pods are ready or may become so.
    ///
    /// A pod that is healthy and not ready has done its work. One that has failed for good, such as a try of a Job or one
    /// that was evicted, stays for people to look at, and another one is in its place.
    fileprivate var wantedPods: Int { health == .healthy || isApart && health == .degraded ? ready : count }
}

/// What an instance's objects add up to.
///
/// Workloads and volume claims decide. Services and ingresses only warn: on many clusters they never get an address. So does
/// a claim that is not bound yet: a pod that needs it holds its workload, and where nobody has pods it may wait for long. And
/// so do CronJobs, because one run that fails says nothing of the next. Their Jobs, and hooks that stay, count for nothing.
/// What a controller made (a Deployment's ReplicaSets and pods) is judged through the controller, so that an old
/// ReplicaSet or a pod that is just ending does not count against the new version.
struct InstanceRollUp: Sendable, Hashable {
    let assessment: HealthAssessment
    let podsReady: Int
    let podsTotal: Int
    let objects: Int

    init(_ tallies: [ResourceTally]) {
        let pods = tallies.filter { $0.kind == "Pod" }
        podsReady = pods.reduce(0) { $0 + $1.ready }
        podsTotal = pods.reduce(0) { $0 + $1.wantedPods }
        objects = tallies.reduce(0) { $0 + $1.count }
        assessment = Self.assess(tallies, pods)
    }

    private static func assess(_ tallies: [ResourceTally], _ pods: [ResourceTally]) -> HealthAssessment {
        guard !tallies.isEmpty else { return HealthAssessment(.missing, "No object of the instance is known") }
        let deciding = deciding(tallies)
        guard let worst = deciding.max(by: { ($0.health, $1.kind) < ($1.health, $0.kind) }), worst.health != .healthy
        else {
            let warning = tallies.filter(warns).min { $0.kind < $1.kind }
            return HealthAssessment(.healthy, warning?.example)
        }
        // What a Job's pod shows explains a Job.
        let signs = pods.filter { $0.isApart == (worst.kind == "Job") }.compactMap(\.sign)
        let sign = worst.health == .suspended ? nil : signs.min()
        return HealthAssessment(worst.health, sign ?? worst.example)
    }

    /// The objects whose health is the instance's.
    private static func deciding(_ tallies: [ResourceTally]) -> [ResourceTally] {
        let kinds = Set(tallies.map(\.kind))
        let controllers = kinds.intersection(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"])
        return tallies.filter { !$0.isApart }.filter { tally in
            switch tally.kind {
            case "Deployment", "StatefulSet", "DaemonSet", "Job": true
            case "PersistentVolumeClaim": tally.health != .progressing
            case "ReplicaSet": !kinds.contains("Deployment")
            case "Pod": controllers.isEmpty
            default: false
            }
        }
    }

    /// Whether something is to be known of an instance that is healthy.
    private static func warns(_ tally: ResourceTally) -> Bool {
        switch tally.kind {
        case "Service", "Ingress", "CronJob": tally.health != .healthy
        case "PersistentVolumeClaim": tally.health == .progressing
        default: false
        }
    }
}
