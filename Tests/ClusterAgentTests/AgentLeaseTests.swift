import Domain
import Foundation
import Kubernetes
import Logging
import Synchronization
import TestSupport
import Testing

@testable import ClusterAgent

/// One of an agent's pods speaks at a time.
@Suite(.timeLimit(.minutes(1)))
struct AgentLeaseTests {
    @Test(arguments: [
        (nil, 0, LeaseObservation.Step.take), (LeaseRecord(holder: "", version: "1"), 0, .take),
        (LeaseRecord(holder: "me", version: "1"), 0, .keep), (LeaseRecord(holder: "me", version: "1"), 99, .keep),
        (LeaseRecord(holder: "other", version: "1"), 0, .wait(holder: "other")),
        (LeaseRecord(holder: "other", version: "1"), 14, .wait(holder: "other")),
        (LeaseRecord(holder: "other", version: "1"), 15, .take),
    ])
    func `a lease is taken when nobody renews it`(found: LeaseRecord?, seconds: Int, step: LeaseObservation.Step) {
        let start = ContinuousClock.now
        var observation = LeaseObservation(duration: .seconds(15), now: start)
        observation.observe(found, at: start)
        observation.observe(found, at: start + .seconds(seconds))
        #expect(observation.step(for: "me", at: start + .seconds(seconds)) == step)
    }

    @Test func `each renewal counts anew, by the observer's own clock`() {
        let start = ContinuousClock.now
        var observation = LeaseObservation(duration: .seconds(15), now: start)
        for second in stride(from: 0, through: 60, by: 10) {
            observation.observe(LeaseRecord(holder: "other", version: "\(second)"), at: start + .seconds(second))
        }
        #expect(observation.step(for: "me", at: start + .seconds(74)) == .wait(holder: "other"))
        #expect(observation.step(for: "me", at: start + .seconds(75)) == .take)
    }

    /// A server that keeps one Lease, and refuses a change of a version that is not the newest.
    private final class Server: Sendable {
        private struct State {
            var version = 0
            var holder: String?
            var isAway = false
            var hasHome = false
        }

        private let state = Mutex(State())
        var holder: String? { state.withLock { $0.holder } }
        func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }
        func write(holder: String) {
            state.withLock { ($0.version, $0.holder) = ($0.version + 1, holder) }
        }

        func answer(_ request: APIServerDouble.Request) -> APIServerDouble.Answer {
            switch request.path {
            case "/api/v1": return (200, Self.kinds(#"{"name":"namespaces","kind":"Namespace","namespaced":false}"#))
            case "/apis/coordination.k8s.io/v1":
                return (200, Self.kinds(#"{"name":"leases","kind":"Lease","namespaced":true}"#))
            case "/api/v1/namespaces/slipway": return state.withLock { $0.hasHome } ? (200, "{}") : (404, "{}")
            case "/api/v1/namespaces":
                state.withLock { $0.hasHome = true }
                return (200, "{}")
            default: break
            }
            return state.withLock { state in
                if state.isAway { return (503, "{}") }
                if request.method == "GET" {
                    return state.holder.map { (200, Self.lease($0, state.version)) } ?? (404, "{}")
                }
                guard let sent = try? ObjectValue(answer: request.body),
                    let holder = sent.path("spec", "holderIdentity")?.string
                else { return (400, "{}") }
                let version = sent.path("metadata", "resourceVersion")?.string
                guard state.hasHome else { return (404, "{}") }
                guard version == (state.holder == nil ? nil : "\(state.version)") else { return (409, "{}") }
                (state.version, state.holder) = (state.version + 1, holder)
                return (200, Self.lease(holder, state.version))
            }
        }

        private static func kinds(_ kind: String) -> String { #"{"resources":[\#(kind)]}"# }

        private static func lease(_ holder: String, _ version: Int) -> String {
            #"{"metadata":{"resourceVersion":"\#(version)"},"spec":{"holderIdentity":"\#(holder)"}}"#
        }
    }

    private static func lease(_ double: APIServerDouble, _ identity: String) -> (AgentLease, KubernetesClient) {
        let client = KubernetesClient(KubernetesConfiguration(server: double.address, credential: .none))
        let lease = AgentLease(
            client,
            namespace: "slipway",
            cluster: "east",
            identity: identity,
            duration: .seconds(1),
            logger: Logger(label: "test")
        )
        return (lease, client)
    }

    @Test func `the second stands by, ready, until the first, which made the namespace, gives the lease back`()
        async throws
    {
        let server = Server()
        let double = try await APIServerDouble { server.answer($0) }
        let (first, firstClient) = Self.lease(double, "first")
        let (second, secondClient) = Self.lease(double, "second")
        try await first.acquire(health: AgentHealth())
        let keeper = Task { await first.keep() }
        let health = AgentHealth()
        let waiting = Task { try await second.acquire(health: health) }
        while !health.isReady { await Task.yield() }
        #expect(server.holder == "first")
        keeper.cancel()
        #expect(await keeper.value == nil)
        await first.release()
        try await waiting.value
        #expect(server.holder == "second")
        #expect(!health.isReady, "it is ready again when the fleet has welcomed it")
        await firstClient.close()
        await secondClient.close()
    }

    @Test func `who was paused while another one took the lease learns it; a server that is away takes nothing`()
        async throws
    {
        let server = Server()
        let double = try await APIServerDouble { server.answer($0) }
        let (lease, client) = Self.lease(double, "first")
        try await lease.acquire(health: AgentHealth())
        server.setAway(true)
        let keeper = Task { await lease.keep() }
        let before = double.asked.count
        while double.asked.count < before + 4 { await Task.yield() }
        #expect(server.holder == "first")
        server.setAway(false)
        server.write(holder: "second")
        #expect(await keeper.value == "second")
        await client.close()
    }

    @Test func `the lease is renewed while the agent reads a cluster for longer than it lasts`() async throws {
        let server = Server()
        let double = try await APIServerDouble { server.answer($0) }
        let (lease, client) = Self.lease(double, "first")
        let health = AgentHealth()
        let held = HeldLease(lease) {}
        try await AgentProcess.connect(holding: held, health: health) {
            #expect(health.isAlive)
            let before = double.asked.count { $0.method == "PATCH" }
            while double.asked.count(where: { $0.method == "PATCH" }) < before + 4 { await Task.yield() }
        }
        #expect(server.holder == "first")
        #expect(await held.giveUp() == nil)
        #expect(server.holder?.isEmpty == true)
        await client.close()
    }

    @Test func `a lease is given back where the cluster cannot be connected to`() async throws {
        let server = Server()
        let double = try await APIServerDouble { server.answer($0) }
        let (lease, client) = Self.lease(double, "first")
        await #expect(throws: NotSeen.self) {
            _ = try await AgentProcess.connect(holding: HeldLease(lease) {}, health: AgentHealth()) {
                throw NotSeen(description: "the cluster")
            }
        }
        #expect(server.holder?.isEmpty == true)
        await client.close()
    }

    @Test func `a lease is given back where the agent's loop fails`() async throws {
        let server = Server()
        let double = try await APIServerDouble { server.answer($0) }
        let (lease, client) = Self.lease(double, "first")
        let held = HeldLease(lease) {}
        try await AgentProcess.connect(holding: held, health: AgentHealth()) {}
        #expect(server.holder == "first")
        await #expect(throws: NotSeen.self) {
            _ = try await AgentProcess.speak(holding: held, health: AgentHealth(), Flag()) {
                throw NotSeen(description: "the broker")
            }
        }
        #expect(server.holder?.isEmpty == true)
        await client.close()
    }

    @Test func `who is told to end while it waits for the lease does not take it any more`() async throws {
        let server = Server()
        let double = try await APIServerDouble { server.answer($0) }
        let (other, otherClient) = Self.lease(double, "other")
        let (lease, client) = Self.lease(double, "first")
        try await other.acquire(health: AgentHealth())
        let (held, health) = (HeldLease(lease) {}, AgentHealth())
        let waiting = Task { try await held.acquire(health: health) }
        while !health.isReady { await Task.yield() }
        #expect(await held.giveUp() == nil)
        await #expect(throws: CancellationError.self) { try await waiting.value }
        await #expect(throws: CancellationError.self) { try await held.acquire(health: health) }
        await other.release()
        #expect(server.holder?.isEmpty == true)
        await client.close()
        await otherClient.close()
    }

    @Test func `a renewal that is under way does not take back what was given up`() async throws {
        let server = Server()
        let double = try await APIServerDouble { server.answer($0) }
        let (lease, client) = Self.lease(double, "first")
        let held = HeldLease(lease) {}
        try await held.acquire(health: AgentHealth())
        let before = double.asked.count { $0.method == "PATCH" }
        while double.asked.count(where: { $0.method == "PATCH" }) == before { await Task.yield() }
        #expect(await held.giveUp() == nil)
        #expect(server.holder?.isEmpty == true)
        await client.close()
    }
}
