import Domain
import Testing

@testable import ClusterAgent

/// Jobs that are not Kubernetes' own are made otherwise.
@Suite struct OtherJobTests {
    static let jobs = [
        "{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {name: train}, spec: {tasks: [{name: w}]}}",
        "{apiVersion: batch.volcano.sh/v1alpha1, kind: CronJob, metadata: {name: train}, "
            + "spec: {jobTemplate: {spec: {tasks: [{name: w}]}}}}",
    ]

    @Test(arguments: jobs)
    func `a Job without a template of pods is marked, and gets none, which its server would refuse`(
        yaml: String
    ) throws {
        var request = ReleaseRequested.web()
        request.registrySecrets = [RegistrySecret(name: "pull", sealed: "sealed:v1:a:b")]
        let marking = ReleaseMarking(request, template: CommandMark(command: "c-1", generation: 1))
        let job = try ObjectValue(yaml: yaml)
        let marked = try marking.applied(to: job)
        #expect(marked["spec"] == job["spec"])
        #expect(marked.path("metadata", "labels", Label.command) == "c-1")
    }
}
