import Kafka
import Postgres
import Testing

@testable import WorkerRuntime

@Suite struct RetryAndFailureTests {
    @Test(arguments: [(1, 1000), (2, 2000), (3, 4000), (7, 60_000), (100, 60_000)] as [(Int, Int64)])
    func `delays double up to the longest`(attempt: Int, milliseconds: Int64) {
        #expect(RetryPolicy().delayMilliseconds(attempt: attempt) == milliseconds)
    }

    @Test func `a first delay that is longer than the longest is waited for all the same`() {
        var policy = RetryPolicy()
        policy.firstDelay = .seconds(600)
        #expect([1, 2].map { policy.delayMilliseconds(attempt: $0) } == [600_000, 600_000])
    }

    @Test(arguments: [
        ("SW001", "fenced"), ("40001", "transient"), ("40P01", "transient"), ("55P03", "transient"),
        ("57P01", "lost"), ("08006", "lost"), ("53300", "transient"), ("23505", "message"), ("22021", "message"),
        ("42601", "message"), ("42501", "transient"), ("58030", "transient"),
    ])
    func `the SQLSTATE decides what a failed batch means`(state: String, meaning: String) throws {
        let kind: PostgresError.Kind = state.hasPrefix("08") || state.hasPrefix("57P") ? .connection : .server
        let error = PostgresError(kind: kind, message: "it failed", sqlState: PostgresSQLState(rawValue: state))
        let found =
            switch Failure.classify(error) {
            case .fenced: "fenced"
            case .transient(let isLost): isLost ? "lost" : "transient"
            case .message: "message"
            case .noRoom: "no room"
            case .fatal: "fatal"
            }
        #expect(found == meaning)
    }

    @Test(arguments: [
        (9, 0, 1, false, false), (10, 0, 1, true, false), (5, 50, 50, false, true), (6, 0, 1, false, false),
        (5, 51, 10, false, false), (0, 90, 10, false, false), (0, 90, 11, true, false), (1, 0, 101, true, false),
        (1, 50, 51, true, false),
    ])
    func `a queue is full at either bound and has room again when it is half empty`(
        messages: Int,
        bytes: Int,
        more: Int,
        isFull: Bool,
        hasRoomAgain: Bool
    ) {
        var policy = RetryPolicy()
        policy.queuedMessages = 10
        policy.queuedBytes = 100
        #expect(policy.isFull(messages: messages, bytes: bytes, adding: more) == isFull)
        #expect(policy.hasRoomAgain(messages: messages, bytes: bytes, adding: more) == hasRoomAgain)
    }

    @Test(
        arguments: [
            ("53100", true), ("53300", true), ("57P01", true), ("57P03", true), ("25006", true), ("08006", true),
            ("55P03", true), ("42501", true), ("40001", false), ("40P01", false), ("53200", false), ("58030", false),
            ("23505", false),
        ]
    )
    func `a server that cannot work is no fault of what it was asked`(state: String, isServers: Bool) {
        let error = PostgresError(kind: .server, message: "no", sqlState: PostgresSQLState(rawValue: state))
        #expect(error.isServersTrouble == isServers)
    }

    private static func postgres(_ kind: PostgresError.Kind, _ state: String? = nil) -> PostgresError {
        PostgresError(kind: kind, message: "It failed.", sqlState: state.map(PostgresSQLState.init(rawValue:)))
    }

    struct Case: Sendable {
        let error: any Error
        let isTriedAgain: Bool
    }

    @Test(arguments: [
        Case(error: postgres(.server, "57014"), isTriedAgain: true),
        Case(error: postgres(.server, "40001"), isTriedAgain: true),
        Case(error: postgres(.server, "42501"), isTriedAgain: true),
        Case(error: postgres(.connection), isTriedAgain: true),
        Case(error: postgres(.commitUnknown), isTriedAgain: true),
        Case(error: postgres(.server, "SW001"), isTriedAgain: false),
        Case(error: postgres(.decoding), isTriedAgain: false),
        Case(error: postgres(.usage), isTriedAgain: false),
        Case(error: KafkaError(.transport, operation: "ask"), isTriedAgain: true),
        Case(error: KafkaError(.fatal, operation: "ask"), isTriedAgain: false),
        Case(error: NoRoom(queues: []), isTriedAgain: false),
        Case(error: Reason(code: "own", sentence: "Its own."), isTriedAgain: false),
        Case(error: StartError("Another database."), isTriedAgain: false),
    ])
    func `outside of batches a statement is tried again, whatever the server says of it`(failed: Case) {
        #expect(Failure.isTriedAgain(failed.error) == failed.isTriedAgain)
    }

    @Test(
        arguments: [
            (.connection, nil, false), (.connection, "25P03", false), (.connection, "57P01", true),
            (.connection, "57P02", true), (.connection, "08006", true), (.commitUnknown, nil, true),
            (.usage, nil, false),
        ] as [(PostgresError.Kind, String?, Bool)]
    )
    func `a session that ends may have ended by what it was asked, unless the server says otherwise`(
        kind: PostgresError.Kind,
        state: String?,
        isServers: Bool
    ) {
        let error = PostgresError(kind: kind, message: "no", sqlState: state.map(PostgresSQLState.init(rawValue:)))
        #expect(error.isServersTrouble == isServers)
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
