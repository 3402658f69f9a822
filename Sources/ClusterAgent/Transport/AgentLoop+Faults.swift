import Kafka
import Logging

extension AgentLoop {
    /// Fails as planned, and comes back when the time has passed.
    func playFaults(now: Int64) throws(KafkaError) {
        if let until = offlineUntil, now >= until {
            offlineUntil = nil
            session.reconnect(now: now)
            configuration.logger.notice("online again")
        }
        guard offlineUntil == nil, let place = plannedFaults.firstIndex(where: { $0.due <= now }) else { return }
        switch plannedFaults.remove(at: place).fault {
        case .offline(let seconds):
            configuration.logger.notice("offline for \(seconds) s, as asked")
            consumer?.close()
            consumer = nil
            health.brokerIsAway()
            offlineUntil = now + Int64(seconds) * 1_000_000
        case .restart:
            try restart()
        }
    }

    /// Starts again with a new boot and without what the old one had in hand; the cluster goes on.
    private func restart() throws(KafkaError) {
        configuration.logger.notice("the boot \(session.boot) ends, as asked")
        consumer?.close()
        consumer = nil
        try sender.forget()
        missed = []
        metrics.count(session.takeOutcomes())
        for command in session.logs.keys { cluster.endLog(of: command, now: clock.now()) }
        session = Self.makeSession(configuration, cluster)
        configuration.logger.info("boot \(session.boot) speaks for the cluster '\(configuration.cluster)'")
    }
}
