import Domain
import Kubernetes
import Logging

/// Releases of which an attempt was left unfinished: nobody works on it any more, because helm ends with its agent.
extension WorkRunner {
    /// A revision of a release, by the labels of helm's Secret of it.
    struct Revision: Sendable {
        let secret: String
        let number: Int
        let status: String
        /// The command that made it; of what an older agent has made it is not known.
        let command: String?
        /// The command that decided what it is made of; of what an older agent has made it is not known.
        let deployment: String?

        var isPending: Bool { status.hasPrefix("pending-") }
        /// Whether helm has brought it to its end.
        var isDeployed: Bool { status == "deployed" }

        init?(_ secret: ObjectValue) {
            guard let metadata = secret["metadata"], let name = metadata["name"]?.string,
                let labels = metadata["labels"], let status = labels["status"]?.string,
                let number = labels["version"]?.string.flatMap({ Int($0) })
            else { return nil }
            (self.secret, self.number, self.status) = (name, number, status)
            command = labels[Label.command]?.string
            deployment = labels[Label.deployment]?.string
        }
    }

    /// Brings a release of which an attempt was left unfinished to where work on it can begin.
    ///
    /// An attempt of another command is put back, as after a failure: helm would not remember what it has applied. The
    /// command that made the attempt applies over it: only the record is removed, as if it had not begun. A removal that
    /// did not get further than to its hooks is as none; another is brought to its end: there is no way back from it.
    ///
    /// - Returns: The revisions that helm then remembers, the newest last; none where the release is installed anew.
    @discardableResult
    func repair(
        _ release: String,
        in namespace: String,
        for work: ClusterWork,
        _ turn: HelmTurn
    ) async throws -> [Revision] {
        var revisions = try await self.revisions(of: release, in: namespace)
        // A way back that was cut off is taken anew, from what it was to undo.
        try await drop(&revisions, in: namespace) { $0.status == "pending-rollback" }
        if try await isToGo(&revisions, of: release, in: namespace, for: work, turn) { return [] }
        guard let last = revisions.last else {
            if case .release = work { try await waitForTerminating(of: release, in: namespace, turn) }
            return []
        }
        let isAnothers = last.command != work.mark.command
        // A failure of nobody known is upgraded over: whoever made it may run on it.
        let isLeft = last.command != nil && isAnothers && last.status == "failed"
        guard last.isPending || isLeft else { return revisions }
        logger.notice("repairs the release '\(release)', which was left \(last.status)")
        if isAnothers {
            try await putBack(release, in: namespace, turn)
            revisions = try await self.revisions(of: release, in: namespace)
        }
        // A removal needs what helm remembers; an upgrade does not begin while one seems to be under way.
        guard case .release = work else { return revisions }
        // Also a way back that did not come through: the installation takes over what it has left.
        try await drop(&revisions, in: namespace) { $0.isPending || isAnothers && $0.status == "uninstalling" }
        guard revisions.isEmpty else { return revisions }
        if isAnothers { try await waitForDeparture(of: release, in: namespace, turn) }
        try await waitForTerminating(of: release, in: namespace, turn)
        return []
    }

    /// Deals with a removal that was begun: helm notes it before the hooks that come first, and leaves the note where one
    /// of them fails.
    ///
    /// As long as it has removed nothing, an upgrade takes it back, and another removal begins it anew, with its hooks.
    ///
    /// - Returns: Whether the release is to be removed, or was.
    private func isToGo(
        _ revisions: inout [Revision],
        of release: String,
        in namespace: String,
        for work: ClusterWork,
        _ turn: HelmTurn
    ) async throws -> Bool {
        guard let removal = revisions.last(where: { $0.status == "uninstalling" }) else { return false }
        let isTakenBack = revisions.contains { $0.number > removal.number && $0.isDeployed }
        if !isTakenBack {
            if try await isLeaving(release, in: namespace, for: work) {
                logger.notice("ends the removal of the release '\(release)', which was begun")
                try await helm.uninstall(release, in: namespace, withHooks: false, turn)
                guard case .release = work else { return true }
                try await waitForDeparture(of: release, in: namespace, turn)
                try await waitForTerminating(of: release, in: namespace, turn)
                return true
            }
            guard case .release = work else { return true }
            logger.notice("takes back the removal of the release '\(release)', which has removed nothing")
            try await helm.takeBack(release, to: removal.number, in: namespace, turn)
            revisions = try await self.revisions(of: release, in: namespace)
        }
        for left in revisions where left.status == "uninstalling" { try await forget(left, in: namespace) }
        revisions.removeAll { $0.status == "uninstalling" }
        return false
    }

    /// The revisions that helm remembers, the newest last.
    private func revisions(of release: String, in namespace: String) async throws -> [Revision] {
        let kind = try await client.requireKind("Secret", "v1")
        let list = try ObjectValue(
            answer: await client.list(
                kind,
                namespace: namespace,
                labels: "owner=helm,name=\(release)",
                detail: .metadata
            )
        )
        return (list["items"]?.elements ?? []).compactMap { Revision($0) }.sorted { $0.number < $1.number }
    }

    /// Lets helm forget the newest revisions, as long as they are such.
    private func drop(
        _ revisions: inout [Revision],
        in namespace: String,
        while isSuch: (Revision) -> Bool
    ) async throws {
        while let last = revisions.last, isSuch(last) {
            try await forget(last, in: namespace)
            revisions.removeLast()
        }
    }

    private func forget(_ revision: Revision, in namespace: String) async throws {
        let kind = try await client.requireKind("Secret", "v1")
        try await client.delete(kind, namespace: namespace, name: revision.secret)
    }

    /// What helm cannot put back stays as it is: the command is done all the same.
    private func putBack(
        _ release: String,
        in namespace: String,
        _ turn: HelmTurn
    ) async throws(WorkFailure) {
        do throws(WorkFailure) {
            try await helm.putBack(release, in: namespace, turn)
        } catch {
            guard error.code == "uninstall_failed" else { throw error }
            logger.warning("the release '\(release)' could not be put back: \(error.message)")
        }
    }
}
