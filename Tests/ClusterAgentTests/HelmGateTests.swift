import Synchronization
import Testing

@testable import ClusterAgent

/// Who gets one of the places in which helm runs, and what becomes of those who wait for one.
@Suite(.timeLimit(.minutes(1)))
struct HelmGateTests {
    private static let long = HelmTurn(isLong: true)

    /// Lets somebody come who has to wait.
    private func queue(_ turn: HelmTurn = HelmTurn(), at gate: HelmGate) async -> Task<Bool, Never> {
        let before = await gate.waitingCount
        let waiter = Task { await gate.enter(turn) }
        while await gate.waitingCount == before { await Task.yield() }
        return waiter
    }

    @Test func `who finds no room waits until somebody leaves, in order`() async {
        let gate = HelmGate(runs: 2)
        await gate.enter()
        await gate.enter()
        let third = await queue(at: gate)
        let fourth = await queue(at: gate)
        await gate.leave()
        #expect(await third.value)
        #expect(await gate.waitingCount == 1)
        await gate.leave()
        #expect(await fourth.value)
    }

    @Test(arguments: [(1, 1), (2, 1), (8, 6)])
    func `what may wait for hooks leaves places to what does not`(runs: Int, most: Int) async {
        let gate = HelmGate(runs: runs)
        for _ in 1...most { #expect(await gate.enter(Self.long)) }
        let next = await queue(Self.long, at: gate)
        for _ in 0..<(runs - most) { #expect(await gate.enter()) }
        let short = await queue(at: gate)
        await gate.leave(Self.long)
        #expect(await next.value, "it came first")
        await gate.leave(Self.long)
        #expect(await short.value)
    }

    @Test func `a place goes to nobody who is not wanted any more`() async {
        let gate = HelmGate(runs: 1)
        await gate.enter()
        let isWanted = Mutex(true)
        let withdrawn = await queue(HelmTurn(isWanted: { isWanted.withLock { $0 } }), at: gate)
        let next = await queue(at: gate)
        isWanted.withLock { $0 = false }
        await gate.leave()
        #expect(await next.value)
        #expect(await !withdrawn.value)
    }

    @Test func `who is not wanted any more goes though no place is free, and so does who is abandoned`() async {
        let gate = HelmGate(runs: 1, period: .milliseconds(1))
        await gate.enter()
        let isWanted = Mutex(true)
        let withdrawn = await queue(HelmTurn(isWanted: { isWanted.withLock { $0 } }), at: gate)
        isWanted.withLock { $0 = false }
        #expect(await !withdrawn.value)
        let abandoned = await queue(at: gate)
        abandoned.cancel()
        #expect(await !abandoned.value)
        #expect(await gate.waitingCount == 0)
    }

    @Test func `who waits says so again and again`() async {
        let gate = HelmGate(runs: 1, period: .milliseconds(1))
        await gate.enter()
        let said = Mutex(0)
        let waiter = await queue(HelmTurn(stillWaits: { said.withLock { $0 += 1 } }), at: gate)
        while said.withLock({ $0 }) < 2 { await Task.yield() }
        await gate.leave()
        #expect(await waiter.value)
    }

    @Test func `who waits for a fact says so again and again, as long as that is wanted`() async throws {
        let said = Mutex(0)
        let turn = HelmTurn(
            isWanted: { said.withLock { $0 } < 2 },
            stillWaits: { said.withLock { $0 += 1 } }
        )
        #expect(try await !turn.wait(.seconds(3600), saying: .zero) { false })
        #expect(said.withLock { $0 } == 2)
        #expect(try await turn.wait(.seconds(3600)) { true }, "it is so, wanted or not")
    }
}
