import Foundation
import Postgres
import Testing
import WorkerRuntime

@testable import Domain

/// What CronJobs start, and what helm runs beside a release: shown, and no judgement of the instance.
@Suite struct ScheduledRunTests {
    /// An object of the instance, with what controls it.
    private static func object(
        _ kind: String,
        _ name: String,
        owner: (kind: String, name: String)? = nil,
        annotations: String = "",
        status: String
    ) -> String {
        let owners = owner.map {
            #","ownerReferences":[{"apiVersion":"batch/v1","kind":"\#($0.kind)","name":"\#($0.name)","uid":"o","controller":true}]"#
        }
        let version = kind == "Pod" ? "v1" : "batch/v1"
        return #"{"apiVersion":"\#(version)","kind":"\#(kind)","metadata":{"name":"\#(name)","namespace":"shop","#
            + #""uid":"u-\#(name)","annotations":{\#(annotations)}\#(owners ?? "")},"#
            + #""spec":{"restartPolicy":"Never"},"status":{\#(status)}}"#
    }

    private static let failed = #""conditions":[{"type":"Failed","status":"True","message":"too often"}]"#
    private static let pulling =
        #""phase":"Pending","containerStatuses":[{"name":"c","image":"c:1","#
        + #""state":{"waiting":{"reason":"ImagePullBackOff","message":"not found"}}}]"#

    private static func job(_ name: String, owner: (kind: String, name: String)? = nil, isHook: Bool = false) -> String
    {
        object("Job", name, owner: owner, annotations: isHook ? #""helm.sh/hook":"post-install""# : "", status: failed)
    }

    private static func pod(of job: String) -> String {
        object("Pod", "\(job)-x", owner: (kind: "Job", name: job), status: pulling)
    }

    /// Has the lane take objects one by one.
    ///
    /// - Parameter forgets: Whether it remembers nothing of those before, and adds all of them up anew.
    private static func told(_ objects: [String], to world: ResourceWorld, forgets: Bool = false) throws {
        for (number, object) in objects.enumerated() {
            let message = AgentMessage.changed(object, 1, Int64(number) + 1, instance: "web-1")
            try world.handle([message], by: forgets ? world.freshHandler() : world.handler)
        }
    }

    @Test(arguments: [true, false])
    func `runs and hooks that have failed leave an instance healthy`(forgets: Bool) throws {
        let world = try ResourceWorld()
        let cron = (kind: "CronJob", name: "clean")
        let objects = [
            AgentMessage.deployment("web"), Self.job("clean-1", owner: cron), Self.pod(of: "clean-1"),
            Self.job("migrate", isHook: true), Self.pod(of: "migrate"),
        ]
        try Self.told(objects, to: world, forgets: forgets)
        #expect(try world.instance().hasPrefix("healthy"))
        #expect(try world.objects().contains { $0.hasPrefix("Job clean-1 u-clean-1 degraded") })
        let more = AgentMessage.changed(Self.job("own"), 1, 6, instance: "web-1")
        try world.handle([more], by: forgets ? world.freshHandler() : world.handler)
        #expect(try world.instance().hasPrefix("degraded"), "a Job of the release itself counts")
    }

    private static let evicted = object(
        "Pod",
        "web-1-b",
        owner: (kind: "ReplicaSet", name: "web-1"),
        status: #""phase":"Failed","reason":"Evicted","message":"low on memory""#
    )

    @Test(arguments: [true, false])
    func `pods that were evicted, and failed tries of Jobs, are not waited for`(forgets: Bool) throws {
        let world = try ResourceWorld()
        let objects = [
            AgentMessage.deployment("web"), AgentMessage.pod("web-1-a", owner: "ReplicaSet/web-1"), Self.evicted,
            Self.object("Pod", "move-x", owner: (kind: "Job", name: "move"), status: #""phase":"Failed""#),
        ]
        try Self.told(objects, to: world, forgets: forgets)
        #expect(try world.instance().hasPrefix("healthy 1 1 "))
    }

    @Test func `an evicted pod that an older worker has counted counts no more when it is told again`() throws {
        let world = try ResourceWorld()
        try Self.told([AgentMessage.deployment("web"), Self.evicted], to: world)
        try world.connection.script("update resource set apart = false; update instance set pods_total = 1")
        let again = AgentMessage.changed(Self.evicted, 1, 3, instance: "web-1")
        try world.handle([again], by: world.freshHandler())
        #expect(try world.instance().hasPrefix("healthy 0 0 "))
    }

    /// What is stored of who speaks for the objects that are there.
    private static func stored(_ world: ResourceWorld) throws -> [String] {
        try world.connection.query(
            "select concat_ws(' ', name, health, apart) from resource order by name collate \"C\""
        ).map { try $0.string(0) }
    }

    @Test func `who speaks for an object is stored with it, so that nobody looks for it in the object`() throws {
        let world = try ResourceWorld()
        let done = #""conditions":[{"type":"Complete","status":"True"}]"#
        let run = Self.object("Job", "clean-1", owner: (kind: "CronJob", name: "clean"), status: done)
        try Self.told([run, Self.pod(of: "clean-1"), Self.job("own")], to: world)
        #expect(try Self.stored(world) == ["clean-1 healthy t", "clean-1-x progressing t", "own degraded f"])
        let unreadable = run.replacingOccurrences(of: #"{"restartPolicy":"Never"}"#, with: #""x""#)
        try world.handle([AgentMessage.changed(unreadable, 1, 4, instance: "web-1")], by: world.freshHandler())
        #expect(try Self.stored(world)[0] == "clean-1 unknown t", "as the last object that could be read")
        try world.handle([
            AgentMessage.gone("Pod", "clean-1-x", uid: "u-clean-1-x", 1, 5),
            AgentMessage.snapshotEnded("Job", began: 6, count: 0, 1, 6),
        ])
        #expect(try Self.stored(world) == ["clean-1 missing", "clean-1-x missing", "own missing"])
    }

    @Test func `objects that a worker of a version before has written are looked into`() throws {
        let world = try ResourceWorld()
        let hook = Self.job("migrate", isHook: true)
        try Self.told([AgentMessage.deployment("web"), hook, Self.pod(of: "clean-1")], to: world)
        try world.connection.script("update resource set apart = null")
        let web = AgentMessage.changed(AgentMessage.deployment("web", available: 0), 1, 4, instance: "web-1")
        try world.handle([web], by: world.freshHandler())
        #expect(try world.instance().hasPrefix("progressing"), "the hook, which has failed, counts for nothing")
    }

    @Test(arguments: [(true, false), (false, true)])
    func `a command fails by its own Job's pods, not by those of a CronJob's runs`(isRun: Bool, isFailing: Bool) throws
    {
        let world = try ResourceWorld()
        try world.openCommand(applied: "web", uid: "u1", generation: 2)
        let owner = isRun ? (kind: "CronJob", name: "clean") : nil
        let job = Self.object("Job", "clean-1", owner: owner, status: #""active":1"#)
        let web = AgentMessage.deployment("web", generation: 2, available: 0)
        try Self.told([web, job, Self.pod(of: "clean-1")], to: world)
        let failingSince = try world.window("failing_since")
        #expect((failingSince != nil) == isFailing)
    }
}
