import Testing

@testable import Domain

@Suite struct ResourceRollUpTests {
    @Test func `an instance without objects is missing`() {
        #expect(InstanceRollUp([]).assessment.health == .missing)
    }

    @Test func `only configuration is healthy`() {
        let sum = InstanceRollUp([ResourceTally(kind: "ConfigMap", health: .healthy, count: 2)])
        #expect(sum.assessment == HealthAssessment(.healthy))
        #expect(sum.objects == 2)
    }

    @Test func `the worst workload decides and says why`() {
        let sum = InstanceRollUp([
            ResourceTally(kind: "Deployment", health: .healthy, count: 1, example: "Deployment web"),
            ResourceTally(
                kind: "StatefulSet",
                health: .progressing,
                count: 1,
                example: "StatefulSet db: 0 of 1 pods are ready"
            ),
        ])
        #expect(sum.assessment == HealthAssessment(.progressing, "StatefulSet db: 0 of 1 pods are ready"))
    }

    @Test func `a service or ingress without an address warns and does not hold the instance back`() {
        let sum = InstanceRollUp([
            ResourceTally(kind: "Deployment", health: .healthy, count: 1),
            ResourceTally(kind: "Ingress", health: .progressing, count: 1, example: "Ingress web: waiting"),
        ])
        #expect(sum.assessment == HealthAssessment(.healthy, "Ingress web: waiting"))
    }

    @Test func `a claim that waits for its first pod warns, and one that is lost decides`() {
        let waiting = ResourceTally(
            kind: "PersistentVolumeClaim",
            health: .progressing,
            count: 1,
            example: "PersistentVolumeClaim data: Waiting for a volume"
        )
        let warning = HealthAssessment(.healthy, "PersistentVolumeClaim data: Waiting for a volume")
        #expect(InstanceRollUp([waiting]).assessment == warning)
        let idle = ResourceTally(kind: "Deployment", health: .healthy, count: 1)
        #expect(InstanceRollUp([idle, waiting]).assessment == warning)
        let lost = ResourceTally(kind: "PersistentVolumeClaim", health: .degraded, count: 1, example: "lost")
        #expect(InstanceRollUp([idle, lost]).assessment == HealthAssessment(.degraded, "lost"))
    }

    @Test func `old replica sets and ending pods do not count where a Deployment is`() {
        let sum = InstanceRollUp([
            ResourceTally(kind: "Deployment", health: .healthy, count: 1),
            ResourceTally(kind: "ReplicaSet", health: .degraded, count: 1),
            ResourceTally(kind: "Pod", health: .healthy, count: 3, ready: 2),
            ResourceTally(kind: "Pod", health: .progressing, count: 1),
        ])
        #expect(sum.assessment.health == .healthy)
        #expect(sum.podsReady == 2)
        #expect(sum.podsTotal == 3)
        #expect(sum.objects == 6)
    }

    @Test func `pods that have failed for good are not among those that should be ready`() {
        let sum = InstanceRollUp([
            ResourceTally(kind: "Deployment", health: .healthy, count: 1),
            ResourceTally(kind: "Pod", health: .healthy, count: 3, ready: 3),
            ResourceTally(kind: "Pod", health: .degraded, count: 1),
            ResourceTally(kind: "Pod", health: .degraded, count: 2, isApart: true),
            ResourceTally(kind: "Pod", health: .progressing, count: 1, isApart: true),
        ])
        #expect(sum.podsReady == 3)
        #expect(sum.podsTotal == 5, "one that crashes and one of a Job that runs may become ready")
        #expect(sum.objects == 8)
    }

    @Test func `runs of CronJobs, hooks that stay and their pods count for nothing`() {
        let sum = InstanceRollUp([
            ResourceTally(kind: "Deployment", health: .progressing, count: 1, example: "Deployment web: 0 of 1"),
            ResourceTally(kind: "Job", health: .degraded, count: 2, example: "Job clean-1: failed", isApart: true),
            ResourceTally(kind: "Pod", health: .degraded, count: 1, sign: "The image cannot be pulled", isApart: true),
        ])
        #expect(sum.assessment == HealthAssessment(.progressing, "Deployment web: 0 of 1"))
    }

    @Test func `a Job decides beside a CronJob, and its pod explains it`() {
        let sum = InstanceRollUp([
            ResourceTally(kind: "CronJob", health: .healthy, count: 1),
            ResourceTally(kind: "Job", health: .progressing, count: 1, example: "Job move: runs"),
            ResourceTally(
                kind: "Pod",
                health: .progressing,
                count: 1,
                sign: "The image cannot be pulled",
                isApart: true
            ),
        ])
        #expect(sum.assessment == HealthAssessment(.progressing, "The image cannot be pulled"))
    }

    @Test func `a CronJob whose last run failed warns`() {
        let words = "CronJob clean: The last run did not succeed"
        let sum = InstanceRollUp([
            ResourceTally(kind: "Deployment", health: .healthy, count: 1),
            ResourceTally(kind: "CronJob", health: .degraded, count: 1, example: words),
        ])
        #expect(sum.assessment == HealthAssessment(.healthy, words))
    }

    @Test func `pods without a controller decide themselves`() {
        let sum = InstanceRollUp([ResourceTally(kind: "Pod", health: .degraded, count: 1, example: "Pod p: Evicted")])
        #expect(sum.assessment == HealthAssessment(.degraded, "Pod p: Evicted"))
    }

    @Test func `what a pod shows explains a rollout that does not end`() {
        let sum = InstanceRollUp([
            ResourceTally(kind: "Deployment", health: .progressing, count: 1, example: "Deployment web: 0 of 1"),
            ResourceTally(kind: "Pod", health: .degraded, count: 1, sign: "The image cannot be pulled"),
        ])
        #expect(sum.assessment == HealthAssessment(.progressing, "The image cannot be pulled"))
    }
}
