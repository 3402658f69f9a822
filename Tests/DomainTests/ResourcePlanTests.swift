import Testing
import WorkerRuntime

@testable import Domain

private let stream = StreamID(cluster: "c1", namespace: "shop")
private let web = ResourceID(stream: stream, kind: "Deployment", name: "web")

private func at(_ epoch: Int64, _ sequence: Int64) -> StreamPosition {
    StreamPosition(epoch: epoch, sequence: sequence)
}

private func change(_ uid: String, _ health: Health = .healthy) -> ResourceChange {
    ResourceChange(id: web, apiVersion: "apps/v1", uid: uid, assessment: HealthAssessment(health))
}

@Suite struct ResourcePlanTests {
    @Test func `a fact counts only if it is later than the one that is held`() {
        let history = ResourceHistory(id: web, stored: nil)
        #expect(history.apply(change("a"), at: at(2, 5), entry: 0, now: 0) == .applied)
        #expect(history.apply(change("a", .degraded), at: at(2, 5), entry: 1, now: 0) == .repeated)
        #expect(history.apply(change("a", .degraded), at: at(2, 4), entry: 2, now: 0) == .stale)
        #expect(history.apply(change("a", .degraded), at: at(1, 900), entry: 3, now: 0) == .stale)
        #expect(history.result?.assessment.health == .healthy)
        #expect(history.result?.revision == 1)
        #expect(history.objectEntry == 0)
    }

    @Test func `a deletion ends only the life it names`() {
        let history = ResourceHistory(id: web, stored: nil)
        _ = history.apply(change("a"), at: at(1, 1), entry: 0, now: 0)
        #expect(history.apply(ResourceGone(id: web, apiVersion: "apps/v1", uid: "a"), at: at(1, 2)) == .applied)
        #expect(history.apply(change("b"), at: at(1, 3), entry: 1, now: 0) == .applied)
        #expect(history.apply(ResourceGone(id: web, apiVersion: "apps/v1", uid: "a"), at: at(1, 4)) == .stale)
        #expect(history.result?.uid == "b")
        #expect(history.result?.isGone == false)
    }

    @Test func `revisions rise by one with what can be seen, and go on after a deletion`() throws {
        var history = ResourceHistory(id: web, stored: nil)
        _ = history.apply(change("a"), at: at(1, 1), entry: 0, now: 0)
        let first = try #require(history.result)
        history = ResourceHistory(id: web, stored: first)
        _ = history.apply(change("a"), at: at(1, 2), entry: 0, now: 0)
        #expect(!history.isVisiblyChanged)
        #expect(history.result?.revision == 1)
        history = ResourceHistory(id: web, stored: history.result)
        _ = history.apply(ResourceGone(id: web, apiVersion: "apps/v1", uid: "a"), at: at(1, 3))
        #expect(history.result?.revision == 2)
        history = ResourceHistory(id: web, stored: history.result)
        _ = history.apply(change("b"), at: at(1, 4), entry: 0, now: 0)
        #expect(history.result?.revision == 3)
    }

    @Test func `the deletion of an object nobody saw is remembered and not told`() {
        let history = ResourceHistory(id: web, stored: nil)
        #expect(history.apply(ResourceGone(id: web, apiVersion: "apps/v1", uid: "a"), at: at(1, 5)) == .applied)
        #expect(history.isChanged)
        #expect(!history.isVisiblyChanged)
        #expect(history.apply(change("a"), at: at(1, 4), entry: 0, now: 0) == .stale)
    }

    @Test func `an object whose newest state cannot be read is unknown and stays`() throws {
        let history = ResourceHistory(id: web, stored: nil)
        _ = history.apply(change("a"), at: at(1, 1), entry: 0, now: 0)
        history.applyUnreadable(Reason(code: "wrong_type", sentence: "'spec' is a string."), at: at(1, 2))
        let state = try #require(history.result)
        #expect(state.assessment.health == .unknown)
        #expect(!state.isGone)
        #expect(state.position == at(1, 2))
    }

    @Test func `a missing number is a gap, also at the beginning of an epoch`() {
        var state = StreamState()
        #expect(state.follow(at(1, 1)) == .next)
        #expect(state.follow(at(1, 2)) == .next)
        #expect(state.follow(at(1, 2)) == .repeated)
        #expect(state.follow(at(1, 4)) == .gap)
        #expect(state.unbrokenSince == 4)
        #expect(state.follow(at(2, 1)) == .next)
        #expect(state.follow(at(3, 3)) == .gap)
        #expect(state.gaps == 2)
    }

    @Test func `a snapshot around a gap removes nothing, a whole one ends the wish for it`() {
        var state = StreamState()
        _ = state.follow(at(1, 1))
        _ = state.follow(at(1, 5))
        let broken = SnapshotEnded(kind: "Pod", apiVersion: "v1", began: 3, count: 2)
        let isBrokenAccepted = state.accept(broken)
        #expect(!isBrokenAccepted)
        #expect(state.isSnapshotWanted)
        _ = state.follow(at(1, 6))
        let isWholeAccepted = state.accept(SnapshotEnded(kind: "Pod", apiVersion: "v1", began: 5, count: 2))
        #expect(isWholeAccepted)
        #expect(!state.isSnapshotWanted)
    }

    @Test func `a gap asks for a snapshot once`() {
        var plan = ResourcePlan([web], stored: [nil], streams: [:], now: 0)
        for sequence: Int64 in [1, 3, 7] {
            let message = ResourceMessage(
                stream: stream,
                position: at(1, sequence),
                keyID: 1,
                fact: .changed(change("a"))
            )
            _ = plan.take(message, entry: 0)
        }
        #expect(plan.wantedSnapshots == [stream])
        let gaps = plan.streams[stream]?.gaps
        #expect(gaps == 2)
        var later = ResourcePlan([web], stored: [nil], streams: plan.streams, now: 0)
        _ = later.take(
            ResourceMessage(stream: stream, position: at(1, 20), keyID: 1, fact: .changed(change("a"))),
            entry: 0
        )
        #expect(later.wantedSnapshots.isEmpty)
    }

    @Test func `nothing said of an unreadable message lets a snapshot remove what it may have held`() {
        var plan = ResourcePlan([], stored: [], streams: [:], now: 0)
        let reason = Reason(code: "not_json", sentence: "The value is not JSON.")
        let ended = SnapshotEnded(kind: "Pod", apiVersion: "v1", began: 1, count: 2)
        let lost = ResourceMessage(stream: stream, position: at(1, 1), keyID: 1, fact: .unreadable(nil, reason))
        let lostOutcome = plan.take(lost, entry: 0)
        #expect(lostOutcome == .deadLettered(reason))
        let end = ResourceMessage(stream: stream, position: at(1, 2), keyID: 1, fact: .snapshotEnded(ended))
        let endOutcome = plan.take(end, entry: 1)
        #expect(endOutcome == .applied)
        #expect(plan.sweeps.isEmpty)
        #expect(plan.wantedSnapshots.isEmpty)
    }
}
