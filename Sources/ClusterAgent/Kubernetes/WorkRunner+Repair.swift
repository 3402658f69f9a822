import Domain
import Kubernetes
import Logging

/// Releases of which an attempt was left unfinished: nobody works on it any more, because helm ends with its agent.
extension WorkRunner {
    /// A revision of a release, by the labels of helm's Secret of it.
    private struct Revision {
        let secret: String
        let number: Int
        let status: String
        /// The command that made it; of what an older agent has made it is not known.
        let command: String?

        var isPending: Bool { status.hasPrefix("pending-") }

        init?(_ secret: ObjectValue) {
            guard let metadata = secret["metadata"], let name = metadata["name"]?.string,
                let labels = metadata["labels"], let status = labels["status"]?.string,
                let number = labels["version"]?.string.flatMap({ Int($0) })
            else { return nil }
            (self.secret, self.number, self.status) = (name, number, status)
            command = labels[Label.command]?.string
        }
    }

    /// How long what was uninstalled may take to go away before the release is installed again.
    private static let departureLimit = Duration.seconds(60)

    /// Brings a release of which an attempt was left unfinished to where work on it can begin.
    ///
    /// An attempt of another command is put back, as after a failure: helm would not remember what it has applied. The
    /// command that made the attempt applies over it: only the record is removed, as if it had not begun. A removal that
    /// was begun is brought to its end: there is no way back from it.
    func repair(_ release: String, in namespace: String, for work: ClusterWork) async throws {
        var revisions = try await self.revisions(of: release, in: namespace)
        if revisions.contains(where: { $0.status == "uninstalling" }) {
            logger.notice("ends the removal of the release '\(release)', which was begun")
            return try await helm.uninstall(release, in: namespace, withHooks: false)
        }
        // A way back that was cut off is taken anew, from what it was to undo.
        try await drop(&revisions, in: namespace) { $0.status == "pending-rollback" }
        guard let last = revisions.last else { return }
        let isAnothers = last.command != work.mark.command
        // A failure of nobody known is upgraded over: whoever made it may run on it.
        let isLeft = last.command != nil && isAnothers && last.status == "failed"
        guard last.isPending || isLeft else { return }
        logger.notice("repairs the release '\(release)', which was left \(last.status)")
        if isAnothers {
            try await putBack(release, in: namespace)
            revisions = try await self.revisions(of: release, in: namespace)
        }
        // A removal needs what helm remembers; an upgrade does not begin while one seems to be under way.
        guard case .release = work else { return }
        // Also a way back that did not come through: the installation takes over what it has left.
        try await drop(&revisions, in: namespace) { $0.isPending || isAnothers && $0.status == "uninstalling" }
        if isAnothers, revisions.isEmpty { try await waitForDeparture(of: release, in: namespace) }
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
        let kind = try await client.requireKind("Secret", "v1")
        while let last = revisions.last, isSuch(last) {
            try await client.delete(kind, namespace: namespace, name: last.secret)
            revisions.removeLast()
        }
    }

    /// What helm cannot put back stays as it is: the command is done all the same.
    private func putBack(_ release: String, in namespace: String) async throws(WorkFailure) {
        do throws(WorkFailure) {
            try await helm.putBack(release, in: namespace)
        } catch {
            guard error.code == "uninstall_failed" else { throw error }
            logger.warning("the release '\(release)' could not be put back: \(error.message)")
        }
    }

    /// Waits for what is on its way out, which would take along what is applied over it.
    private func waitForDeparture(of release: String, in namespace: String) async throws {
        _ = try await wait(Self.departureLimit) {
            let objects = view.objects(of: release, in: namespace)
            let isClaimed = objects.contains { $0.id.kind == "PersistentVolumeClaim" && $0.deletedAt != nil }
            return Self.areGone(objects) && !isClaimed
        }
    }
}
