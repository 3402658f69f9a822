import CPq

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A message of NOTIFY.
public struct PostgresNotification: Sendable, Equatable {
    /// The channel it was sent on.
    public let channel: String
    /// The text that was sent along; empty if none.
    public let payload: String
    /// The server process that sent it.
    public let backendPID: Int32
}

extension PostgresConnection {
    /// Subscribes to a channel, also for the sessions that ``reconnect()`` makes.
    public func listen(_ channel: String) throws(PostgresError) {
        try script("listen \(PostgresIdentifier.quote(channel))")
        if !channels.contains(channel) { channels.append(channel) }
    }

    /// Sends a notification without waiting for the server; for those who look again by themselves.
    ///
    /// What becomes of it is not told. Must not be called inside a transaction: with a NOTIFY in them the server commits
    /// transactions one after the other.
    public func notifyUnheeded(_ channel: String) throws(PostgresError) {
        try sendUnheeded("select pg_notify($1, '')", [.text(channel)])
    }

    /// Waits for the next notification.
    ///
    /// - Returns: `nil` if none came in time.
    /// - Throws: ``PostgresError`` of the kind `connection` if the connection is lost.
    public func waitForNotification(timeout: Duration) throws(PostgresError) -> PostgresNotification? {
        if !pipeline.answers.isEmpty { try finishRound() }
        let handle = try liveHandle()
        let deadline = Deadline(after: timeout)
        while true {
            if let notification = nextNotification(of: handle) { return notification }
            if Socket.wait(PQsocket(handle), for: POLLIN, until: deadline) == 0 { return nil }
            if PQconsumeInput(handle) == 0 { throw lostConnection(handle) }
        }
    }

    /// Drops the notifications that have come with earlier calls, without waiting or reading; returns how many they were.
    ///
    /// libpq keeps what comes beside the answers of other calls until somebody takes it. Drop before looking for what was
    /// notified of, not after it: what is committed later notifies again.
    @discardableResult
    public func dropNotifications() -> Int {
        guard let handle else { return 0 }
        var count = 0
        while let pointer = PQnotifies(handle) {
            PQfreemem(pointer)
            count += 1
        }
        return count
    }

    private func nextNotification(of handle: OpaquePointer) -> PostgresNotification? {
        guard let pointer = PQnotifies(handle) else { return nil }
        defer { PQfreemem(pointer) }
        return PostgresNotification(
            channel: String(cString: pointer.pointee.relname),
            payload: String(cString: pointer.pointee.extra),
            backendPID: pointer.pointee.be_pid
        )
    }
}
