import Testing

@testable import ClusterAgent

/// An agent is alive while its loop goes round, and ready while fleet and broker know of it.
@Suite struct AgentHealthTests {
    /// What an agent that started 100 seconds ago has seen, as ages in seconds.
    struct Case: Sendable {
        let beat: Int
        let isWelcomed: Bool
        let answer: Int?
        var heartbeat = 5
        let isAlive: Bool
        let isReady: Bool
    }

    @Test(arguments: [
        Case(beat: 0, isWelcomed: true, answer: 0, isAlive: true, isReady: true),
        Case(beat: 59, isWelcomed: true, answer: 14, isAlive: true, isReady: true),
        Case(beat: 60, isWelcomed: true, answer: 0, isAlive: false, isReady: false),
        Case(beat: 0, isWelcomed: false, answer: 0, isAlive: true, isReady: false),
        Case(beat: 0, isWelcomed: true, answer: nil, isAlive: true, isReady: false),
        Case(beat: 0, isWelcomed: true, answer: 15, isAlive: true, isReady: false),
        Case(beat: 0, isWelcomed: true, answer: 40, heartbeat: 20, isAlive: true, isReady: true),
        Case(beat: 0, isWelcomed: true, answer: 60, heartbeat: 20, isAlive: true, isReady: false),
    ])
    func `facts decide`(found: Case) {
        let now = ContinuousClock.now
        var vitals = AgentVitals(now: now - .seconds(100))
        vitals.beat = now - .seconds(found.beat)
        vitals.isWelcomed = found.isWelcomed
        vitals.heartbeat = .seconds(found.heartbeat)
        vitals.brokerAnswer = found.answer.map { now - .seconds($0) }
        #expect(vitals.isAlive(at: now) == found.isAlive)
        #expect(vitals.isReady(at: now) == found.isReady)
    }

    @Test func `an agent that lost the broker is not ready until it answers again`() {
        let health = AgentHealth()
        health.note(isWelcomed: true, heartbeat: .seconds(5))
        #expect(health.isAlive && !health.isReady)
        health.brokerAnswered()
        #expect(health.isReady)
        health.brokerIsAway()
        #expect(health.isAlive && !health.isReady)
    }
}
