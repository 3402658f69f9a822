import Foundation
import Kafka
import Logging

/// How an agent's run ended.
public enum AgentEnd: Sendable, Hashable {
    /// It was asked to stop, and what it had to say has arrived or is said again by its next boot.
    case stopped
    /// The fleet told it to stop: another agent speaks for the cluster.
    case superseded(reason: String)
}

/// An agent at work on one thread: its cluster, its session, and Kafka on both sides.
///
/// A round reads commands, lets the cluster's events into the session, and does what the session decides. Nothing is
/// taken in while too much waits to be sent.
public final class AgentLoop {
    let configuration: AgentConfiguration
    var cluster: any Cluster
    var session: AgentSession
    let sender: AgentSender
    private let opener: SecretOpener
    let health: AgentHealth
    let metrics: AgentMetrics
    var clock: AgentClock
    var consumer: CommandConsumer?
    /// What ended while the agent was offline, to be told on its return.
    var missed: [ClusterEvent] = []
    /// When the agent is to be online again; `nil` while it is.
    var offlineUntil: Int64?
    var plannedFaults: [(due: Int64, fault: AgentFault)] = []
    var load: LoadPace?
    private var end: AgentEnd?
    private var nextHousekeeping: Int64 = 0
    /// When a consumer is made again after one that failed.
    private var nextConsumer: Int64 = 0
    private var nextReminder: Int64

    /// How many commands a round reads at most.
    private static let commandsPerRound = 100
    private static let reminderPeriod: Int64 = 30_000_000

    /// Makes an agent that has not said anything.
    ///
    /// - Parameter health: Where the loop notes how it does, for whoever looks.
    /// - Throws: A Kafka property that is not accepted, or a key from which nothing can be derived.
    public init(
        _ configuration: AgentConfiguration,
        cluster: any Cluster,
        health: AgentHealth = AgentHealth()
    ) throws {
        self.configuration = configuration
        self.health = health
        metrics = AgentMetrics(cluster: configuration.cluster)
        clock = configuration.wrongClock.map { AgentClock(ahead: $0.ahead, until: $0.until) } ?? AgentClock()
        self.cluster = cluster
        session = Self.makeSession(configuration, cluster)
        sender = try AgentSender(configuration, health: health)
        opener = try SecretOpener(
            cluster: configuration.cluster,
            key: configuration.key,
            former: configuration.formerKeys.sorted { $0.key < $1.key }.map(\.value)
        )
        let now = clock.now()
        nextReminder = now + Self.reminderPeriod
        load = configuration.load.map { LoadPace($0, rate: configuration.loadRate) }
        if let offline = configuration.offline {
            plannedFaults.append((now + Int64(offline.after) * 1_000_000, .offline(seconds: offline.seconds)))
        }
        if let after = configuration.restartAfter { plannedFaults.append((now + Int64(after) * 1_000_000, .restart)) }
    }

    /// Speaks for the cluster until it is asked to stop or superseded; blocks its thread.
    ///
    /// - Throws: What keeps a Kafka client from being made; a broker that is away is waited for.
    public func run(until isStopping: () -> Bool) throws -> AgentEnd {
        configuration.logger.info("boot \(session.boot) speaks for the cluster '\(configuration.cluster)'")
        while end == nil, !isStopping() { try round() }
        health.note(isWelcomed: false, heartbeat: .microseconds(session.heartbeatPeriod))
        // What a superseded boot has still to say counts no more, and the place in the topic is the next boot's by now.
        if end == nil {
            consumer?.finish(try sender.close(limit: .seconds(5)))
            consumer?.store(wait: true)
        }
        consumer?.close()
        // A pod that is superseded lives on: it must neither touch the cluster nor gather what it sees.
        if end != nil { cluster.close() }
        return end ?? .stopped
    }

    private func round() throws {
        let now = clock.now()
        health.beat()
        try playFaults(now: now)
        if offlineUntil == nil {
            try readCommands()
            session.isHeldUp = sender.isHeldUp(at: now)
            if sender.hasRoom { observe(now: clock.now()) }
            consumer?.finish(try sender.work(now: now))
            if sender.takeLoss() { session.repeatHello(now: now) }
            if let mark = sender.takeAccount() { session.complete(mark, now: now) }
            keepHouse(now: now)
            remind(now: now)
        } else {
            missed += cluster.poll(now: now).filter(Self.isToldLater)
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    private func readCommands() throws {
        if consumer == nil, clock.now() >= nextConsumer {
            consumer = try CommandConsumer(configuration, health: health)
        }
        guard let consumer, sender.hasRoom else { return Thread.sleep(forTimeInterval: 0.01) }
        var timeout = Duration.milliseconds(load == nil ? 10 : 1)
        var events: [CommandConsumer.Event] = []
        // What is read together is acted upon together: a command may be taken back, or overtaken, right behind it.
        defer { take(events) }
        for _ in 0..<Self.commandsPerRound {
            do throws(KafkaError) {
                guard let event = try consumer.poll(timeout: timeout) else { return }
                events.append(event)
            } catch {
                configuration.logger.error("the command topic is opened anew: \(error)")
                consumer.close()
                self.consumer = nil
                nextConsumer = clock.now() + 1_000_000
                return
            }
            timeout = .zero
        }
    }

    private func take(_ events: [CommandConsumer.Event]) {
        let last = events.lastIndex { if case .command = $0 { true } else { false } }
        for (index, event) in events.enumerated() { take(event, acts: index == last) }
    }

    private func take(_ event: CommandConsumer.Event, acts: Bool) {
        let now = clock.now()
        switch event {
        case .command(let command):
            let before = session.epoch
            perform(session.take(command, now: now, cluster, acts: acts), now: now)
            if let epoch = session.epoch, epoch != before { configuration.logger.info("welcomed with epoch \(epoch)") }
        case .caughtUp:
            if !session.isCaughtUp { perform(session.catchUp(now: now, cluster), now: now) }
        case .refused: metrics.countRefused()
        }
    }

    /// Lets the session see what happened in the cluster and what time it is.
    private func observe(now: Int64) {
        for event in missed + cluster.poll(now: now) { perform(session.take(event, now: now, cluster), now: now) }
        missed = []
        perform(session.tick(now: now, cluster), now: now)
        if session.epoch != nil, var pace = load {
            for change in pace.due(now: now) { perform(session.report(change, now: now), now: now) }
            load = pace
        }
    }

    private func perform(_ outputs: [AgentOutput], now: Int64) {
        for output in outputs {
            switch output {
            case .send(var message):
                message.time = clock.wallTime(of: message.time)
                sender.send(message, now: now)
                metrics.countSent(message)
            case .start(let work): start(work, now: now)
            case .giveUp(let mark): cluster.giveUp(mark)
            case .abandon(let mark): cluster.abandon(mark)
            case .endLog(let command): cluster.endLog(of: command, now: now)
            case .done(let place): sender.finish(place)
            case .told(let mark): sender.finish(mark)
            case .stop(let reason):
                configuration.logger.error("another agent speaks for the cluster: \(reason)")
                end = .superseded(reason: reason)
            case .fail(let fault): plannedFaults.append((now, fault))
            }
        }
    }

    /// Begins work with what it confides opened; what does not open ends the command.
    private func start(_ work: ClusterWork, now: Int64) {
        let begins = cluster.isMade(by: work) ? "takes for done" : "begins"
        configuration.logger.info("\(begins) generation \(work.mark.generation) of \(work.subject)")
        do throws(WorkFailure) {
            cluster.start(work, secrets: try opener.open(work), now: now)
        } catch {
            configuration.logger.error("\(error.message)")
            perform(session.take(.finished(work, error), now: now, cluster), now: now)
        }
    }

    /// Small duties of every second: the place in the command topic, and what others may see of the agent.
    private func keepHouse(now: Int64) {
        guard now >= nextHousekeeping else { return }
        nextHousekeeping = now + 1_000_000
        if let step = clock.takeStep() { configuration.logger.notice("the wall clock was set by \(step) s") }
        consumer?.store(wait: false)
        metrics.count(session.takeOutcomes())
        metrics.countGaps(sender.takeLostCount())
        metrics.observe(epoch: session.epoch, objects: cluster.watchedCount)
        health.note(isWelcomed: session.epoch != nil, heartbeat: .microseconds(session.heartbeatPeriod))
    }

    private func remind(now: Int64) {
        guard session.epoch == nil, now >= nextReminder else { return }
        nextReminder = now + Self.reminderPeriod
        configuration.logger.warning(
            "the fleet has not answered; is the cluster '\(configuration.cluster)' registered and the key its own?"
        )
    }

    /// What an agent that was offline tells on its return; how objects look, its snapshots tell.
    private static func isToldLater(_ event: ClusterEvent) -> Bool {
        switch event {
        case .finished, .stage, .stageOutput, .logged, .drifted: true
        case .changed, .gone, .happened, .waiting, .agentFault: false
        }
    }

    static func makeSession(_ configuration: AgentConfiguration, _ cluster: any Cluster) -> AgentSession {
        AgentSession(
            cluster: configuration.cluster,
            boot: UUID().uuidString.lowercased(),
            clusterUID: cluster.uid
        )
    }
}
