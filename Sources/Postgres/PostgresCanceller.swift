import CPq

/// Asks the server to cancel what a connection runs, from any thread.
///
/// Sendable because libpq never changes a `PGcancel` after it was made and lets any thread use it (libpq manual, "Canceling
/// Queries in Progress").
public final class PostgresCanceller: @unchecked Sendable {
    private let handle: OpaquePointer

    fileprivate init(_ handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        PQfreeCancel(handle)
    }

    /// Sends the request over a connection of its own; blocks until it is sent.
    ///
    /// A cancelled statement throws 57014 on its own thread. Nothing happens if none runs.
    ///
    /// - Throws: ``PostgresError`` of the kind `connection` if the request could not be sent.
    public func cancel() throws(PostgresError) {
        var message = [CChar](repeating: 0, count: 256)
        guard PQcancel(handle, &message, 256) == 1 else {
            let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw PostgresError(kind: .connection, message: text.firstLine)
        }
    }
}

extension PostgresConnection {
    /// Makes a canceller for this session; it is of no use after a reconnect.
    public func makeCanceller() throws(PostgresError) -> PostgresCanceller {
        guard let cancel = PQgetCancel(try liveHandle()) else {
            throw PostgresError(kind: .connection, message: "there is no memory for a cancel request")
        }
        return PostgresCanceller(cancel)
    }
}
