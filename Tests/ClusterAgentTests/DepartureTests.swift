import Domain
import Testing

@testable import ClusterAgent

/// When the objects of a release that was removed count as gone.
@Suite struct DepartureTests {
    private func object(_ kind: String, _ uid: String, of owner: String? = nil, _ mark: String = "") throws
        -> ClusterObject
    {
        let reference = owner.map { #"{"controller":true,"apiVersion":"v1","kind":"K","name":"k","uid":"\#($0)"}"# }
        let marks = #""annotations":{\#(mark)},"ownerReferences":[\#(reference ?? "")]"#
        let names = #""name":"\#(uid)","namespace":"shop","uid":"\#(uid)","resourceVersion":"1""#
        let json = #"{"metadata":{\#(names),\#(marks)}}"#
        let answer = try ObjectValue(answer: Array(json.utf8))
        return try #require(ClusterObject(answer, of: WatchedKind("v1", kind)))
    }

    @Test(arguments: [#""helm.sh/resource-policy":"keep""#, #""helm.sh/hook":"pre-install""#])
    func `what helm leaves behind is not waited for, with all that belongs to it`(mark: String) throws {
        // Kubernetes gives the slices of a Service the labels that this one has.
        var left = [
            try object("Pod", "pod", of: "set"), try object("ReplicaSet", "set", of: "web"),
            try object("Deployment", "web", mark), try object("Service", "service", mark),
            try object("EndpointSlice", "slice", of: "service"), try object("PersistentVolumeClaim", "claim"),
        ]
        #expect(WorkRunner.areGone(left))
        left.append(try object("Pod", "other", of: "another"))
        #expect(!WorkRunner.areGone(left))
    }

    @Test func `what helm removes is waited for, with all that belongs to it`() throws {
        #expect(WorkRunner.areGone([]))
        #expect(try !WorkRunner.areGone([object("Pod", "pod", of: "set")]))
        #expect(try !WorkRunner.areGone([object("Deployment", "web", #""helm.sh/resource-policy":"other""#)]))
    }
}
