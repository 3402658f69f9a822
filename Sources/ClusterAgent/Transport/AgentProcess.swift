import Dispatch
import Foundation
import Synchronization

/// A process that is an agent: its loop on a thread of its own, and a clean end on SIGTERM.
public enum AgentProcess {
    /// Runs an agent until SIGTERM or SIGINT, or until it is superseded; a second signal ends the process at once.
    ///
    /// A signal while it waits for its lease or its cluster ends the process: a pod, as the first process of its container,
    /// gets only those signals that it takes care of.
    ///
    /// One that holds a lease ends, too, when another pod holds it. When the fleet says that an agent elsewhere has taken
    /// over, it keeps the lease and is quiet until it is told to end: were it to end by itself, it or the pod that stands by
    /// would say hello again, and the two would displace each other in turns.
    ///
    /// - Parameters:
    ///   - lease: What is acquired first; `nil` where only one process is there to speak.
    ///   - health: Is told when the agent waits, and when it is quiet.
    ///   - connect: Connects to the cluster.
    ///   - makeLoop: Makes the agent, on its thread.
    /// - Throws: What keeps the agent from running.
    public static func run(
        holding lease: AgentLease?,
        health: AgentHealth,
        connect: () async throws -> any Cluster & Sendable,
        loop makeLoop: @escaping @Sendable (any Cluster & Sendable) throws -> AgentLoop
    ) async throws -> AgentEnd {
        let (isSignalled, isStopping, isSpeaking) = (Flag(), Flag(), Flag())
        let held = lease.map { HeldLease($0) { isStopping.raise() } }
        signal(SIGPIPE, SIG_IGN)
        let signals = [SIGTERM, SIGINT].map { number in
            watch(number, isSignalled) {
                isStopping.raise()
                guard !isSpeaking.value else { return }
                Task {
                    _ = await held?.giveUp()
                    exit(0)
                }
            }
        }
        defer { signals.forEach { $0.cancel() } }
        do {
            let cluster = try await Self.connect(holding: held, health: health, connect: connect)
            isSpeaking.raise()
            return try await speak(holding: held, health: health, isStopping) { try makeLoop(cluster) }
        } catch  where isSignalled.value && !isSpeaking.value {
            return .stopped
        }
    }

    /// Acquires the lease, keeps it from then on, and connects: to list a large cluster may take longer than a lease lasts.
    ///
    /// Gives it back where the cluster cannot be connected to.
    static func connect<Connected: Sendable>(
        holding held: HeldLease?,
        health: AgentHealth,
        connect: () async throws -> Connected
    ) async throws -> Connected {
        do {
            try await held?.acquire(health: health)
            health.connect()
            let cluster = try await connect()
            health.speakUp()
            return cluster
        } catch {
            _ = await held?.giveUp()
            throw error
        }
    }

    /// Runs the loop to its end, and gives the lease back however that came.
    static func speak(
        holding held: HeldLease?,
        health: AgentHealth,
        _ isStopping: Flag,
        _ makeLoop: @escaping @Sendable () throws -> AgentLoop
    ) async throws -> AgentEnd {
        let end: AgentEnd
        do {
            end = try await loop(isStopping, makeLoop)
        } catch {
            _ = await held?.giveUp()
            throw error
        }
        guard let held else { return end }
        if case .superseded = end {
            health.retire()
            while !isStopping.value { try? await Task.sleep(for: .milliseconds(100)) }
        }
        if let holder = await held.giveUp() { return .superseded(reason: "'\(holder)' holds the lease now") }
        return .stopped
    }

    /// The loop, on a thread of its own.
    private static func loop(
        _ isStopping: Flag,
        _ makeLoop: @escaping @Sendable () throws -> AgentLoop
    ) async throws -> AgentEnd {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread {
                continuation.resume(with: Result { try makeLoop().run { isStopping.value } })
            }
            thread.name = "agent"
            thread.stackSize = 4 << 20
            thread.start()
        }
    }

    private static func watch(
        _ number: Int32,
        _ flag: Flag,
        first: @escaping @Sendable () -> Void
    ) -> any DispatchSourceSignal {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            if flag.raise() { _exit(128 + number) }
            first()
        }
        source.resume()
        return source
    }
}

/// Something that happens once, and is asked for from other threads.
final class Flag: Sendable {
    private let raised = Atomic(false)

    var value: Bool { raised.load(ordering: .relaxed) }

    /// Returns whether it was raised before.
    @discardableResult
    func raise() -> Bool { raised.exchange(true, ordering: .relaxed) }
}
