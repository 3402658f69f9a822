import Domain
import Testing

@testable import ClusterAgent

/// How an agent sees that somebody else has changed what a command made.
struct DriftTests {
    // MARK: Whose fields

    private static func object(_ entries: String) throws -> ObjectValue {
        try ObjectValue(answer: Array(#"{"metadata":{"name":"web","managedFields":[\#(entries)]}}"#.utf8))
    }

    private static func entry(_ manager: String, _ fields: String, _ operation: String = "Apply", time: Int = 1)
        -> String
    {
        #"{"manager":"\#(manager)","operation":"\#(operation)","time":"2026-11-27T00:00:0\#(time)Z","fieldsV1":\#(fields)}"#
    }

    private static let data = #"{"f:data":{"f:color":{},"f:size":{}}}"#
    private static let less = #"{"f:data":{"f:size":{}}}"#

    static let same: [(String, String, String)] = [
        ("another time", entry("slipway", data), entry("slipway", data, time: 2)),
        (
            "a controller beside", entry("slipway", data),
            entry("slipway", data) + "," + entry("kube-controller-manager", #"{"f:status":{}}"#, "Update")
        ),
        (
            "another order", entry("slipway", data) + "," + entry("helm", less),
            entry("helm", less) + "," + entry("slipway", data)
        ),
    ]

    @Test(arguments: same) func `what others set beside changes nothing`(
        _ what: String,
        _ left: String,
        _ right: String
    ) throws {
        let digest = try #require(OwnedFields.digest(of: Self.object(left)))
        #expect(try OwnedFields.digest(of: Self.object(right)) == digest, "\(what)")
    }

    static let other: [(String, String)] = [
        (
            "a field taken over",
            entry("slipway", less) + "," + entry("kubectl-edit", #"{"f:data":{"f:color":{}}}"#, "Update")
        ),
        ("a field removed", entry("slipway", less)), ("made anew by hand", entry("kubectl-create", data, "Update")),
    ]

    @Test(arguments: other) func `a field that is another's now, or gone, is seen`(_ what: String, _ entries: String)
        throws
    {
        let before = OwnedFields.digest(of: try Self.object(Self.entry("slipway", Self.data)))
        #expect(try OwnedFields.digest(of: Self.object(entries)) != before, "\(what)")
    }

    // MARK: What differs

    private static let applied = AppliedObject(
        apiVersion: "v1",
        kind: "ConfigMap",
        namespace: "shop-staging",
        name: "web",
        uid: "u",
        generation: 0,
        resourceVersion: "1"
    )

    private func record(_ objects: [AppliedObject] = [applied], owned: [String: String]? = ["ConfigMap/web": "mine"])
        -> MarkRecord
    {
        let subject = ObjectSubject(kind: "config-map", name: "web")
        let work = ClusterWork.objects(
            ObjectsRequested(
                command: "c-1",
                generation: 1,
                namespace: "shop-staging",
                subject: subject,
                objects: [["kind": "ConfigMap"]],
                deadline: ""
            )
        )
        var record = MarkRecord(work, namespaceUID: "n")
        (record.objects, record.owned) = (objects, owned)
        return record
    }

    private func seen(_ owned: String?, deletedAt: Int64? = nil) -> ClusterObject {
        var object = ClusterObject(
            id: .init(kind: "ConfigMap", namespace: "shop-staging", name: "web"),
            apiVersion: "v1",
            uid: "u",
            resourceVersion: "2",
            labels: [:],
            createdAt: 0
        )
        (object.owned, object.deletedAt) = (owned, deletedAt)
        return object
    }

    private func drift(_ record: MarkRecord, _ found: ClusterObject?) -> [DriftedObject.Change] {
        DriftJudge.drift(of: record, kinds: [WatchedKind("v1", "ConfigMap"), WatchedKind("batch/v1", "Job")]) { _ in
            found
        }.map(\.change)
    }

    @Test func `an object is changed or missing, or as it was left`() {
        #expect(drift(record(), seen("mine")) == [])
        #expect(drift(record(), seen("other")) == [.changed])
        #expect(drift(record(), seen(nil)) == [.changed])
        #expect(drift(record(), nil) == [.missing])
        #expect(drift(record(), seen("other", deletedAt: 1)) == [], "it is on its way out")
    }

    @Test func `what cannot be known is not told`() {
        #expect(drift(record(owned: nil), seen("other")) == [], "a mark of an older agent")
        var (job, service, elsewhere) = (Self.applied, Self.applied, Self.applied)
        (job.kind, service.kind, elsewhere.namespace) = ("Job", "Service", "kube-system")
        (job.apiVersion, service.apiVersion) = ("batch/v1", "serving.knative.dev/v1")
        #expect(drift(record([job, service, elsewhere]), nil) == [])
        var removed = record()
        removed.isRemoval = true
        #expect(drift(removed, nil) == [])
    }

    // MARK: When it is told

    private static let changed = DriftedObject(apiVersion: "v1", kind: "ConfigMap", name: "web", change: .changed)
    private static let mark = CommandMark(command: "c-1", generation: 1)

    private static func look(
        _ teller: inout DriftTeller,
        _ objects: [DriftedObject],
        at second: Int64,
        _ mark: CommandMark = mark
    )
        -> [DriftedObject]?
    {
        teller.look("web", mark: mark, objects, now: second * 1_000_000)
    }

    @Test func `what stays is told after a while, again once in a while, and when it has ended`() {
        var teller = DriftTeller()
        #expect(Self.look(&teller, [], at: 0) == nil)
        #expect(Self.look(&teller, [], at: 60) == nil, "nothing is no news")
        #expect(Self.look(&teller, [Self.changed], at: 62) == nil, "the watch may be behind")
        #expect(Self.look(&teller, [Self.changed], at: 66) == nil)
        #expect(Self.look(&teller, [Self.changed], at: 67) == [Self.changed])
        #expect(Self.look(&teller, [Self.changed], at: 69) == nil)
        #expect(Self.look(&teller, [Self.changed], at: 187) == [Self.changed])
        #expect(Self.look(&teller, [], at: 190) == nil)
        #expect(Self.look(&teller, [], at: 195) == [])
        #expect(Self.look(&teller, [], at: 400) == nil)
    }

    @Test func `what passes and what a new command made is not told`() {
        var teller = DriftTeller()
        _ = Self.look(&teller, [Self.changed], at: 0)
        _ = Self.look(&teller, [], at: 4)
        #expect(Self.look(&teller, [Self.changed], at: 8) == nil)
        let newer = CommandMark(command: "c-2", generation: 2)
        #expect(Self.look(&teller, [Self.changed], at: 14, newer) == nil, "the clock begins anew")
        #expect(Self.look(&teller, [Self.changed], at: 19, newer) == [Self.changed])
        teller.keep([])
        #expect(Self.look(&teller, [Self.changed], at: 30, newer) == nil)
    }

    // MARK: What the session makes of it

    /// A session that was welcomed and has read its topic to the end.
    private static func session(_ cluster: DriftedCluster) -> AgentSession {
        var session = AgentSession(cluster: "c1", boot: "b", clusterUID: "u")
        let welcome = Welcomed(
            boot: "b",
            epoch: 1,
            namespaces: ["shop-staging"],
            open: [],
            snapshotSeconds: 600,
            heartbeatSeconds: 600
        )
        _ = session.take(AgentCommand(.welcomed(welcome), at: CommandPlace(partition: 0, offset: 0)), now: 1, cluster)
        _ = session.catchUp(now: 1, cluster)
        return session
    }

    @Test func `a repair is done though a later command was taken back, which is not done`() {
        var cluster = DriftedCluster()
        var session = Self.session(cluster)
        var request = ReleaseRequested.web()
        cluster.known = CommandMark(command: request.command, generation: request.generation)
        cluster.drifted = [Self.changed]
        func started(_ content: AgentCommand.Content, _ offset: Int64) -> Bool {
            let command = AgentCommand(content, at: CommandPlace(partition: 0, offset: offset))
            return session.take(command, now: 2, cluster).contains { if case .start = $0 { true } else { false } }
        }
        let later = ReleaseRequested.web(generation: 2)
        let withdrawn = Withdrawn(
            command: later.command,
            generation: later.generation,
            namespace: later.namespace,
            instance: later.instance
        )
        #expect(!started(.withdrawn(withdrawn), 1))
        #expect(!started(.work(.release(later)), 2))
        #expect(!started(.work(.release(request)), 3), "it was done, and is behind what was taken back")
        request.repair = true
        #expect(started(.work(.release(request)), 4))
    }

    @Test func `a repair is done as long as something has drifted, and only answered when nothing has`() throws {
        var cluster = DriftedCluster()
        var session = Self.session(cluster)
        var request = ReleaseRequested.web()
        func started(_ offset: Int64) -> Bool {
            let command = AgentCommand(.work(.release(request)), at: CommandPlace(partition: 0, offset: offset))
            return session.take(command, now: 2, cluster).contains { if case .start = $0 { true } else { false } }
        }
        cluster.known = CommandMark(command: request.command, generation: request.generation)
        #expect(!started(1), "it was done")
        request.repair = true
        #expect(!started(2), "nothing has drifted")
        cluster.drifted = [Self.changed]
        #expect(started(3))
        let told = session.take(.drifted(Self.mark, cluster.drifted), now: 3, cluster)
        guard case .send(let message)? = told.first else { throw ManifestError(sentence: "nothing was said") }
        #expect(message.type == AgentStatusType.drifted && message.topic == AgentMessage.status)
    }
}

/// A cluster in which one command was done, and somebody else has changed something.
private struct DriftedCluster: Cluster {
    var known: CommandMark?
    var drifted: [DriftedObject] = []

    let uid = "u"
    let kinds: [WatchedKind] = []
    let namespaces = ["shop-staging"]
    func mark(of subject: CommandSubject) -> CommandMark? { known }
    func objects(of subject: CommandSubject) -> [AppliedObject] { [] }
    func objects(in namespace: String, kind: WatchedKind) -> [ClusterObject] { [] }
    func drift(of subject: CommandSubject) -> [DriftedObject] { drifted }
    mutating func start(_ work: ClusterWork, secrets: OpenedSecrets, now: Int64) {}
    mutating func endLog(of command: String, now: Int64) {}
    mutating func poll(now: Int64) -> [ClusterEvent] { [] }
}
