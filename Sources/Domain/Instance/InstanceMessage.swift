internal import CloudEvents
import Foundation
import Postgres
import Sealing
import WorkerRuntime

/// The password of an application cannot be decrypted here: the request waits until the key ring is right.
struct CredentialsUnavailable: Error, CustomStringConvertible {
    let reason: Reason
    var description: String { reason.sentence }
}

/// The message that tells an agent what to do of a command on an instance; the same whenever it is sent.
struct InstanceMessage {
    let command: Command
    let namespace: String
    let credentials: ApplicationCredentials

    /// Reads what the cluster needs to fetch the release's images and chart, sealed for the cluster.
    ///
    /// - Throws: ``CredentialsUnavailable``; a reason would refuse a request that is right.
    init(
        _ command: Command,
        namespace: String,
        for post: AgentPost,
        keyRing: KeyRing?,
        in transaction: borrowing PostgresTransaction
    ) throws {
        self.command = command
        self.namespace = namespace
        guard !command.isRemoval, let project = command.project else {
            credentials = ApplicationCredentials()
            return
        }
        do {
            let desired = try DesiredState(json: command.desired)
            credentials = try ApplicationCredentials.read(
                project,
                desired.application,
                chart: desired.chart,
                for: post,
                namespace: namespace,
                instance: command.subjectName,
                keyRing: keyRing,
                in: transaction
            )
        } catch let reason as Reason {
            throw CredentialsUnavailable(reason: reason)
        }
    }

    /// The record for the agent's topic.
    ///
    /// - Parameter isRepair: Whether the agent is to do again what it has done, because somebody else has changed it.
    func record(by post: AgentPost, isRepair: Bool = false, now: Int64) throws -> OutboxRecord {
        if command.isRemoval { return post.removalRequested(command, removal, now: now) }
        var release = release(try DesiredState(json: command.desired))
        if isRepair { release.repair = true }
        return post.releaseRequested(command, release, now: now)
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
            chartCredentials: credentials.chartCredentials,
            deployment: desired.deployment
        )
    }
}
