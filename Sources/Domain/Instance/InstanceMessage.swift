internal import CloudEvents
import Foundation
import WorkerRuntime

/// What the cluster needs to fetch a release's images and chart, sealed for the cluster.
struct ReleaseCredentials: Sendable, Hashable {
    /// What images are pulled with.
    var registrySecrets: [RegistrySecret]?
    /// The user and password of the chart's repository.
    var chartCredentials: String?

    /// Nothing is needed: everything is public.
    static let none = ReleaseCredentials()
}

/// The message that tells an agent what to do of a command on an instance; the same whenever it is sent.
struct InstanceMessage {
    let command: Command
    let namespace: String
    let credentials: ReleaseCredentials

    /// The record for the agent's topic.
    func record(by post: AgentPost, now: Int64) throws -> OutboxRecord {
        if command.goal == .gone { return post.removalRequested(command, removal, now: now) }
        return post.releaseRequested(command, release(try DesiredState(json: command.desired)), now: now)
    }

    private var removal: RemovalRequested {
        RemovalRequested(
            command: command.id.uuidString.lowercased(),
            generation: command.generation,
            namespace: namespace,
            instance: command.subjectName,
            deadline: RFC3339.format(microseconds: command.deadline)
        )
    }

    private func release(_ desired: DesiredState) -> ReleaseRequested {
        ReleaseRequested(
            command: command.id.uuidString.lowercased(),
            generation: command.generation,
            namespace: namespace,
            instance: command.subjectName,
            application: desired.application,
            version: desired.version,
            image: desired.image,
            chart: desired.chart,
            values: desired.mergedValues,
            deadline: RFC3339.format(microseconds: command.deadline),
            replicas: desired.replicas.isEmpty ? nil : desired.replicas,
            stopped: desired.isStopped ? true : nil,
            restart: desired.restart,
            registrySecrets: credentials.registrySecrets,
            chartCredentials: credentials.chartCredentials
        )
    }
}
