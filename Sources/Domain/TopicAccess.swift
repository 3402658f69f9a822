public import WorkerRuntime

extension Topics {
    /// The topics to which the outbox relay writes, but dead letters and the commands of agents.
    ///
    /// An auto-deploy rule asks for a deployment on `deployment.requests`.
    private static let published = [
        "deployment.requests", "deployment.results", "environment.status", "instance.status", "object.status",
        "resource.status", "cdevents",
    ]
    /// The topics to which agents write.
    private static let told = ["agent.status", "resource.changes", "agent.output", "container.logs"]

    /// What the fleet's programs must be allowed to do at the brokers, in the order of programs.
    ///
    /// - Parameters:
    ///   - trusted: Topics of requests that need no token, see ``TrustedTopic``.
    ///   - prefix: What the names of topics and groups begin with.
    ///   - isTransactional: Whether the relays publish in transactions.
    public static func access(
        clusters: [String],
        trusted: [String] = [],
        prefix: String,
        isTransactional: Bool = true
    ) -> [AccessNeed] {
        var needs: [AccessNeed] = []
        /// The first topic is read in the worker's own group, each other one in a group of its own.
        func reads(_ worker: String, _ topics: [String]) {
            needs += topics.map { AccessNeed(worker, .read, .topic, prefix + $0) }
            needs += topics.enumerated().map { place, topic in
                AccessNeed(worker, .read, .group, prefix + worker + (place > 0 ? ".\(topic)" : ""))
            }
        }
        reads("release-worker", ["release.events"])
        reads("deployment-worker", ["deployment.requests"] + trusted)
        // Whether an agent can be told anything is looked up before a request is accepted.
        needs += clusters.map { AccessNeed("deployment-worker", .describe, .topic, prefix + agentCommands($0).name) }
        reads("agent-worker", ["agent.status", "agent.output"])
        reads("resource-worker", ["resource.changes"])
        let letters = (withDeadLetters + trusted).map { deadLetters(of: $0).name }
        let written = published + letters + clusters.map { agentCommands($0).name }
        needs += written.map { AccessNeed("outbox-relay", .write, .topic, prefix + $0) }
        if isTransactional {
            needs.append(AccessNeed("outbox-relay", .write, .transactionalID, prefix + "outbox-", isPrefix: true))
        }
        for cluster in clusters {
            needs.append(AccessNeed(cluster, .read, .topic, prefix + agentCommands(cluster).name))
            needs.append(AccessNeed(cluster, .read, .group, prefix + "agent-" + cluster))
            needs += told.map { AccessNeed(cluster, .write, .topic, prefix + $0) }
        }
        return needs
    }
}
