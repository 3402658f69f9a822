import Synchronization

/// What an orchestrator may ask of an agent: whether it lives, and whether it does its work now.
///
/// The agent's loop writes it, the process's HTTP server reads it.
public final class AgentHealth: Sendable {
    private let vitals = Mutex(AgentVitals(now: .now))

    /// Makes the health of an agent that has just started.
    public init() {}

    /// Whether the agent's loop goes round; an agent that stands still should be started anew.
    public var isAlive: Bool { vitals.withLock { $0.isAlive(at: .now) } }

    /// Whether the fleet has welcomed the agent, and the broker takes what it says; or whether it stands by.
    public var isReady: Bool { vitals.withLock { $0.isReady(at: .now) } }

    /// Notes that the agent is quiet from now on, because another one speaks for its cluster.
    func retire() { vitals.withLock { $0.isRetired = true } }

    /// Notes that the agent is able to speak and waits until another one ends.
    func standBy() {
        vitals.withLock {
            $0.beat = .now
            $0.isStandingBy = true
        }
    }

    /// Notes that the agent reads what is in its cluster, however long that takes: nothing goes round meanwhile.
    func connect() {
        vitals.withLock { $0.isConnecting = true }
    }

    /// Notes that the agent is about to speak.
    func speakUp() {
        vitals.withLock {
            $0.beat = .now
            $0.isStandingBy = false
            $0.isConnecting = false
        }
    }

    /// Notes that the loop goes round.
    func beat() { vitals.withLock { $0.beat = .now } }

    /// Notes whether the fleet has given the agent an epoch, and how often it speaks since.
    func note(isWelcomed: Bool, heartbeat: Duration) {
        vitals.withLock {
            $0.isWelcomed = isWelcomed
            $0.heartbeat = heartbeat
        }
    }

    /// Notes that the broker has taken or given something.
    func brokerAnswered() { vitals.withLock { $0.brokerAnswer = .now } }

    /// Notes that no broker can be reached.
    func brokerIsAway() { vitals.withLock { $0.brokerAnswer = nil } }
}

/// The facts behind an agent's health, and what follows from them; pure.
struct AgentVitals: Sendable {
    /// When the loop last went round.
    var beat: ContinuousClock.Instant
    /// Whether the fleet has given this boot an epoch.
    var isWelcomed = false
    /// How often the agent speaks without being asked.
    var heartbeat: Duration = .seconds(10)
    /// When the broker last answered; `nil` when it never did, or was lost since.
    var brokerAnswer: ContinuousClock.Instant?
    /// Whether the agent waits for another one's end: it is ready to take over.
    var isStandingBy = false
    /// Whether the agent reads what is in its cluster, and has not spoken yet.
    var isConnecting = false
    /// Whether the agent is quiet for good.
    var isRetired = false

    /// How long the loop may stand still.
    static let patience: Duration = .seconds(60)

    init(now: ContinuousClock.Instant) {
        beat = now
    }

    func isAlive(at now: ContinuousClock.Instant) -> Bool { isRetired || isConnecting || now - beat < Self.patience }

    /// A broker that has not answered several heartbeats is away, whatever its connection looks like.
    func isReady(at now: ContinuousClock.Instant) -> Bool {
        if isStandingBy { return isAlive(at: now) }
        guard isWelcomed, !isRetired, let brokerAnswer else { return false }
        return isAlive(at: now) && now - brokerAnswer < max(.seconds(15), heartbeat * 3)
    }
}
