@testable import FleetCheck

/// The history of a small run in which everything is as it should be.
///
/// Two requests, a repetition, a dead letter, a rejection of what was parked, a dry run that is asked for twice, an
/// object that comes and one that a snapshot shows to be gone.
struct SoundHistory {
    static let command = "c-1"
    static let requests = PartitionName(group: "slipway.deployment-worker", topic: "deployment.requests", partition: 0)
    static let changes = PartitionName(group: "slipway.resource-worker", topic: "resource.changes", partition: 0)
    static let instance = SubjectName(topic: "instance.status", key: "shop/staging/web")
    static let removed = SubjectName(topic: "object.status", key: "shop/staging/network/web")
    static let words = PartitionName(group: "slipway.agent-worker", topic: "agent.status", partition: 0)
    private var offsets: [String: Int64] = [:]
    private(set) var history = History()

    init() {
        request("deploy-1")
        request("deploy-1")
        request("wrong")
        request("broken")
        request("plan", isDryRun: true)
        request("plan", isDryRun: true)
        for (revision, state) in ["accepted", "sent", "acknowledged", "applied", "succeeded"].enumerated() {
            step(Int64(revision + 1), state)
        }
        answer("wrong", "rejected", id: "no")
        answer("plan", "planned", id: "plan-1")
        // What would have been done a moment ago can be refused now.
        answer("plan", "rejected", id: "plan-2")
        deadLetter("deployment.requests", offset: 3)
        talk()
        status("instance.status", "shop/staging/web", 1)
        status("instance.status", "shop/staging/web", 2)
        // The outbox after a crash.
        status("instance.status", "shop/staging/web", 1)
        status("instance.status", "shop/staging/web", 2)
        status("object.status", "shop/staging/network/web", 1)
        status("object.status", "shop/staging/network/web", 2, isGone: true)
        change("Pod", "lost", "u0", 1, 1)
        change("Pod", "web-1", "u1", 1, 2)
        // Twice, and behind its successor, as networks do.
        change("Pod", "web-1", "u1", 2, 5)
        change("Pod", "web-1", "u1", 2, 4)
        snapshot("Pod", 2, began: 4, 6)
        history.database.resources = [stored("lost", "u0", 2, 6, isGone: true), stored("web-1", "u1", 2, 5)]
        fillDatabase()
        fillClusters()
        fillRecord()
    }

    /// The agent is asked, and tells.
    private mutating func talk() {
        ask(Self.command)
        say("hello", boot: "b-1", 0, 1)
        say("heartbeat", boot: "b-1", 1, 2)
        say("applied", of: Self.command, 1, 3)
        say("applied", of: Self.command, 1, 3)
    }

    /// The cluster of before was lost; in the one that is there, an agent was killed before it noted what it had done.
    private mutating func fillClusters() {
        let deed = Self.deed(Self.command, 1)
        var (made, done) = (KeptCluster.Entry(), KeptCluster.Entry())
        made.objects = [Self.object("lost", "u0"), Self.object("web-1", "u1")]
        made.effects = [deed]
        done.removed = [Self.object("lost", "u0").id]
        done.marks = [deed]
        history.clusters = [
            KeptCluster(cluster: "c0", isLost: true, entries: [made]),
            KeptCluster(cluster: "c0", entries: [made, done]),
        ]
    }

    private mutating func fillDatabase() {
        history.database.commands = [
            StoredCommand(
                id: Self.command,
                source: "/test",
                request: "deploy-1",
                state: "succeeded",
                revision: 6,
                subject: "instance 1",
                generation: 1,
                isPastDeadline: true,
                about: "instance shop/staging/web"
            )
        ]
        history.database.steps += [StoredStep(command: Self.command, revision: 6, state: "timed_out", isLate: true)]
        history.database.claims = [
            claim(
                Self.requests,
                6,
                Outcomes(applied: 2, repeated: 1, rejected: 1, deadLettered: 1),
                parked: 1,
                Outcomes(rejected: 1)
            ),
            claim(Self.changes, 5, Outcomes(applied: 4, stale: 1)),
            claim(Self.words, 4, Outcomes(applied: 3, repeated: 1)),
        ]
        history.database.revisions = [Self.instance: 2, Self.removed: 2]
        history.database.statuses = [
            Self.instance: StoredStatus(isGone: false, state: "running", health: "healthy"),
            Self.removed: StoredStatus(isGone: true, state: "deleted"),
        ]
    }

    private mutating func fillRecord() {
        history.sent = [
            SentMessage(
                topic: "deployment.requests",
                key: "shop/staging",
                source: "/test",
                id: "deploy-1",
                type: "slipway.instance.deploy.v1",
                partition: 0,
                offset: 0
            ),
            Self.poison("broken", at: 3),
        ]
        history.samples = (1...10 as ClosedRange<Int64>).map { at in
            Sample(
                at: at,
                rising: ["cluster c0 epoch": at],
                committed: ["a": 3],
                claimed: ["a": at < 5 ? 3 : 4]
            )
        }
        history.sightings = [Sighting(.rebalanceInTransaction, count: 1), Sighting(.staleFence, count: 1)]
    }

    // MARK: Parts

    /// What somebody sent that nobody should act on.
    static func poison(_ id: String, on topic: String = "deployment.requests", at offset: Int64) -> SentMessage {
        SentMessage(
            topic: topic,
            key: "shop/staging",
            source: "/test",
            id: id,
            type: "slipway.instance.deploy.v1",
            partition: 0,
            offset: offset,
            poison: "no JSON"
        )
    }

    static func deed(_ command: String, _ generation: Int64) -> KeptCluster.Deed {
        KeptCluster.Deed(command: command, generation: generation, namespace: "ns", subject: "release.web")
    }

    static func object(_ name: String, _ uid: String, version: Int = 1) -> KeptCluster.Object {
        let metadata = #"{"name":"\#(name)","uid":"\#(uid)","resourceVersion":"\#(version)"}"#
        return KeptCluster.Object(
            id: KeptCluster.ObjectName(kind: "Pod", namespace: "ns", name: name),
            shown: #"{"kind":"Pod","metadata":\#(metadata)}"#
        )
    }

    mutating func add(
        _ topic: String,
        key: String,
        id: String,
        type: String = "slipway.command.any.v1",
        headers: [String: String] = [:],
        _ text: String?
    ) {
        let usual = ["ce_id": id, "ce_source": "/test", "ce_type": type]
        history.messages.append(
            SeenMessage(
                topic: topic,
                offset: offsets[topic, default: 0],
                key: key,
                headers: usual.merging(headers) { $1 },
                text: text
            )
        )
        offsets[topic, default: 0] += 1
    }

    mutating func request(_ id: String, isDryRun: Bool = false) {
        let text = isDryRun ? #"{"dryRun":true}"# : "{}"
        add("deployment.requests", key: "shop/staging", id: id, type: "slipway.instance.deploy.v1", text)
    }

    /// Adds an answer to a request, of the command that it became or of none.
    mutating func answer(_ request: String, _ state: String, id: String, command: String? = nil) {
        let text = Self.result(command: command, request: request, state, 0, reason: state == "rejected")
        add("deployment.results", key: "shop/staging", id: id, text)
    }

    mutating func step(_ revision: Int64, _ state: String, isTold: Bool = true) {
        history.database.steps.append(
            StoredStep(command: Self.command, revision: revision, state: state, isLate: false)
        )
        guard isTold else { return }
        let text = Self.result(command: Self.command, request: "deploy-1", state, revision, reason: false)
        add("deployment.results", key: "shop/staging", id: "result-\(revision)", text)
    }

    mutating func status(_ topic: String, _ key: String, _ revision: Int64, isGone: Bool = false) {
        add(
            topic,
            key: key,
            id: "\(key)-\(revision)",
            headers: ["ce_revision": "\(revision)"],
            isGone ? nil : #"{"state":"running","health":"healthy","revision":\#(revision)}"#
        )
    }

    mutating func deadLetter(_ topic: String, offset: Int64, reason: String = "not_json") {
        add(
            topic + ".dlt",
            key: "shop/staging",
            id: "broken",
            headers: [
                "__connect.errors.partition": "0", "__connect.errors.offset": "\(offset)",
                "__connect.errors.exception.message": "It is no JSON.", "slipway-reason-code": reason,
            ],
            "x"
        )
    }

    static func result(command: String?, request: String, _ state: String, _ revision: Int64, reason: Bool) -> String {
        let because = reason ? #"{"code":"unknown_project","message":"There is no such project."}"# : "null"
        let name = command.map { "\"\($0)\"" } ?? "null"
        return """
            {"command":\(name),"request":{"source":"/test","id":"\(request)","type":"t"},"state":"\(state)",\
            "revision":\(revision),"reason":\(because)}
            """
    }

    private func stored(_ name: String, _ uid: String, _ epoch: Int64, _ sequence: Int64, isGone: Bool = false)
        -> StoredResource
    {
        StoredResource(
            cluster: "c0",
            namespace: "ns",
            kind: "Pod",
            name: name,
            uid: uid,
            position: StreamPosition(epoch: epoch, sequence: sequence),
            isGone: isGone,
            object: isGone ? nil : Self.object(name, uid).shown
        )
    }

    private func claim(
        _ name: PartitionName,
        _ offset: Int64,
        _ outcomes: Outcomes,
        parked: Int64 = 0,
        _ released: Outcomes = Outcomes()
    ) -> StoredClaim {
        StoredClaim(
            name: name,
            nextOffset: offset,
            consumed: offset,
            outcomes: outcomes,
            parked: parked,
            released: released,
            lost: 0,
            incarnation: 1
        )
    }
}
