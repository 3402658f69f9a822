import Kafka
import Postgres
import Testing

@testable import WorkerRuntime

@Suite struct RetryAndFailureTests {
    @Test(arguments: [(1, 1000), (2, 2000), (3, 4000), (7, 60_000), (100, 60_000)] as [(Int, Int64)])
    func `delays double up to the longest`(attempt: Int, milliseconds: Int64) {
        #expect(RetryPolicy().delayMilliseconds(attempt: attempt) == milliseconds)
    }

    @Test(arguments: [
        ("SW001", "fenced"), ("40001", "transient"), ("40P01", "transient"), ("55P03", "transient"),
        ("57P01", "lost"), ("08006", "lost"), ("53300", "transient"), ("23505", "message"), ("22021", "message"),
        ("42601", "message"),
    ])
    func `the SQLSTATE decides what a failed batch means`(state: String, meaning: String) throws {
        let kind: PostgresError.Kind = state.hasPrefix("08") || state.hasPrefix("57P") ? .connection : .server
        let error = PostgresError(kind: kind, message: "it failed", sqlState: PostgresSQLState(rawValue: state))
        let found =
            switch Failure.classify(error) {
            case .fenced: "fenced"
            case .transient(let isLost): isLost ? "lost" : "transient"
            case .message: "message"
            case .fatal: "fatal"
            }
        #expect(found == meaning)
    }

    @Test func `what a handler throws is its message's fault`() {
        let reason = Reason(code: "x", sentence: "X is wrong.")
        guard case .message(let found) = Failure.classify(reason) else {
            Issue.record("not the message's fault")
            return
        }
        #expect(found == reason)
    }
}
