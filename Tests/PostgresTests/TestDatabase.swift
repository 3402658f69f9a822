import Foundation
import Postgres
import Synchronization

/// The server all tests of this process share, and a database of its own for each test.
enum TestDatabase {
    private static let shared = Mutex<PostgresServer?>(nil)

    /// A folder that no other test uses and that any user can reach.
    static func newFolder() -> String {
        "/tmp/postgres-tests-\(UUID().uuidString.prefix(8))"
    }

    /// Makes an empty database and returns its URL.
    static func makeURL() throws -> String {
        let name = "test_\(UUID().uuidString.lowercased().prefix(13))"
        return try shared.withLock { shared in
            let server = try shared ?? PostgresServer(folder: newFolder(), durable: false, isTemporary: true)
            shared = server
            return try server.createDatabase(name)
        }
    }

    /// Makes an empty database and returns how to reach it.
    static func make() throws -> PostgresConfiguration {
        PostgresConfiguration(url: try makeURL())
    }

    /// Makes an empty database and connects to it.
    static func connect() throws -> PostgresConnection {
        try PostgresConnection(try make())
    }
}

/// Work on a thread of its own, whose result can be waited for.
final class Background<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let done = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () throws -> Value) {
        Thread.detachNewThread {
            let value = Result { try body() }
            self.result.withLock { $0 = value }
            self.done.signal()
        }
    }

    /// Waits at most a minute.
    func value() throws -> Value {
        guard done.wait(timeout: .now() + 60) == .success, let result = result.withLock({ $0 }) else {
            throw TimedOut()
        }
        return try result.get()
    }
}

struct TimedOut: Error {}

/// Asks again until the answer is yes; throws after a minute.
func eventually(_ condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(60)
    while try !condition() {
        if ContinuousClock.now > end { throw TimedOut() }
        usleep(10_000)
    }
}

/// The error a call throws, if it is one of the library.
func postgresError(_ body: () throws -> Void) throws -> PostgresError? {
    do {
        try body()
        return nil
    } catch let error as PostgresError {
        return error
    }
}
