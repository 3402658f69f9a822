import Domain
import Testing

@testable import ClusterAgent

/// What is made of a version that brings an image and no chart.
@Suite struct PlainReleaseTests {
    private static let longest = String(repeating: "9", count: 63)

    @Test(
        arguments: [
            ("1.4.2", "1.4.2"), ("1.4.2+build.5", "1.4.2_build.5"), ("release/1.4", "release-1.4"),
            ("v1_A.b-c", "v1_A.b-c"),
            ("-1.4-", "1.4"), ("1.4+", "1.4"), ("é1", "1"), ("1é2", "1-2"), ("+/é", nil), ("", nil),
            (longest, longest), (longest + "0", longest),
            (String(longest.dropLast()) + "..5", String(longest.dropLast())),
        ] as [(String, String?)]
    )
    func `a version is a label as far as it can be one`(version: String, label: String?) {
        #expect(LabelValue.nearest(to: version) == label)
        let objects = PlainRelease.objects(.web(version: version), image: "r.example/web:1", values: .empty)
        #expect(objects.count == 2)
        for object in objects {
            #expect(object.path("metadata", "labels", "app.kubernetes.io/version")?.string == label)
            let labels = (object.path("metadata", "labels") ?? .empty).texts
            #expect(labels.values.allSatisfy(LabelValue.isValid))
        }
        let pod = objects[0].path("spec", "template", "metadata", "labels", "app.kubernetes.io/version")
        #expect(pod?.string == label)
    }

    @Test(arguments: [String?.none, ""])
    func `no image is made up: what names neither image nor chart fails`(image: String?) async throws {
        var request = ReleaseRequested.web()
        request.image = image
        var world = ClusterWorld()
        world.makeNamespace()
        #expect(world.finish(.release(request))??.code == "nothing_to_run")
        #expect(world.all("Deployment").isEmpty)
        let tests = try ReleaseWorkTests()
        let server = try await ReleaseWorkTests.server()
        let end = try await tests.end(.release(request), on: server, tests.helm.program())
        #expect(end.failure?.code == "nothing_to_run")
        #expect((try? tests.helm.calls()) == nil, "helm has done nothing")
    }

    @Test(arguments: [("web-1", "web-1"), ("2048", "svc-2048"), ("0", "svc-0")])
    func `a Service has a name that a Service may have`(instance: String, service: String) {
        let request = ReleaseRequested.web(instance: instance)
        let objects = PlainRelease.objects(request, image: "r.example/web:1", values: ["statefulSet": true])
        #expect(objects.map { $0.path("metadata", "name")?.string } == [instance, service])
        #expect(objects[0].path("spec", "serviceName")?.string == service)
    }
}
