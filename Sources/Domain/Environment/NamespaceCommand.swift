import Foundation
import Postgres

/// What a command that makes or removes a namespace keeps of it: by the time that the agent is told again, or says that it
/// is done, the environment may be elsewhere.
private struct NamespacePlace: Codable {
    let namespace: String
}

extension Command {
    /// The namespace that it makes or removes; `nil` of other commands, and of one that an older worker made.
    var namespace: String? {
        guard subjectKind == "environment" else { return nil }
        return try? JSONDecoder().decode(NamespacePlace.self, from: Data(desired)).namespace
    }
}

extension RequestAct {
    /// A new command that makes or removes the namespace of an environment of which no other is open.
    ///
    /// It waits where the agent is still at one that has ended, such as by a deadline or by this request.
    ///
    /// - Parameter timeout: The seconds that it may take in all; `nil` for the fleet's.
    func command(
        on environment: Int64,
        cluster: String,
        namespace: String,
        generation: Int64,
        timeout: Int? = nil,
        in transaction: borrowing PostgresTransaction
    ) throws -> Command {
        var command = command(timeout: timeout)
        command.environmentID = environment
        command.cluster = cluster
        command.generation = generation
        command.desired = Array(try JSONEncoder.stable.encode(NamespacePlace(namespace: namespace)))
        let store = desk.progress.store
        let until = try store.busyUntil(.namespace(environment), of: cluster, now: now, in: transaction)
        if let until { command.wait(until: until) }
        return command
    }
}
