import Kafka
import Postgres
import Testing

@testable import WorkerRuntime

/// What a lane does about messages whose transaction failed, and where it cuts what it has polled.
struct RemedyTests {
    private static func postgres(_ kind: PostgresError.Kind, _ state: String? = nil) -> PostgresError {
        PostgresError(kind: kind, message: "It failed.", sqlState: state.map(PostgresSQLState.init(rawValue:)))
    }

    struct Case: Sendable {
        let error: any Error
        let failures: Int
        /// How many of them no message can be to blame for.
        var ofOthers = 0
        let remedy: String
    }

    @Test(arguments: [
        Case(error: postgres(.server, "SW001"), failures: 1, remedy: "claim again"),
        Case(error: postgres(.server, "40001"), failures: 1, remedy: "try again"),
        Case(error: postgres(.server, "40001"), failures: 4, remedy: "recover"),
        Case(error: postgres(.server, "40001"), failures: 5, remedy: "kept_failing"),
        // A lock of somebody else, or a restart, speaks against no message, also where another failure follows.
        Case(error: postgres(.server, "40001"), failures: 30, ofOthers: 29, remedy: "recover"),
        Case(error: postgres(.connection), failures: 30, ofOthers: 26, remedy: "recover"),
        Case(error: postgres(.connection), failures: 30, ofOthers: 25, remedy: "kept_failing"),
        Case(error: postgres(.server, "57P01"), failures: 50, remedy: "recover"),
        Case(error: postgres(.server, "55P03"), failures: 50, remedy: "recover"),
        Case(error: postgres(.server, "42501"), failures: 50, remedy: "recover"),
        // A disk that cannot be read may be where only one message has to look.
        Case(error: postgres(.server, "58030"), failures: 4, remedy: "recover"),
        Case(error: postgres(.server, "58030"), failures: 5, remedy: "kept_failing"),
        Case(error: postgres(.connection), failures: 1, remedy: "recover"),
        Case(error: postgres(.commitUnknown), failures: 50, remedy: "recover"),
        // It may be what the batch asks for that ends the session: the server said nothing, or that it took too long.
        Case(error: postgres(.connection), failures: 4, remedy: "recover"),
        Case(error: postgres(.connection), failures: 5, remedy: "kept_failing"),
        Case(error: postgres(.connection, "25P03"), failures: 5, remedy: "kept_failing"),
        Case(error: postgres(.connection, "57P01"), failures: 50, remedy: "recover"),
        Case(error: postgres(.connection, "57P02"), failures: 50, remedy: "recover"),
        Case(error: postgres(.server, "23505"), failures: 1, remedy: "database_refused"),
        Case(error: Reason(code: "own", sentence: "Its own."), failures: 1, remedy: "own"),
        Case(error: NoRoom(queues: []), failures: 1, remedy: "wait for room"),
    ])
    func `the error and how often it came decide`(found: Case) {
        let failures = FailureCount(all: found.failures, ofOthers: found.ofOthers)
        let remedy =
            switch Remedy.of(found.error, failures: failures) {
            case .claimAgain: "claim again"
            case .waitForRoom: "wait for room"
            case .isolate(let reason): reason.code
            case .tryAgain(let afterRecovery): afterRecovery ? "recover" : "try again"
            case .end: "end"
            }
        #expect(remedy == found.remedy)
    }

    @Test func `what others are to blame for is counted by itself`() {
        var failures = FailureCount()
        let errors: [any Error] = [
            Self.postgres(.server, "55P03"), Self.postgres(.connection, "57P01"), Self.postgres(.commitUnknown),
            NoRoom(queues: []), Self.postgres(.server, "40P01"), Self.postgres(.connection),
        ]
        for error in errors { failures.note(error) }
        #expect([failures.all, failures.ofOthers, failures.suspicious] == [6, 4, 2])
    }

    @Test(
        arguments: [
            (Reason(code: "own", sentence: "Its own."), "own"),
            (postgres(.server, "23505"), "database_refused"),
            (postgres(.server, "40001"), "count apart"),
            (postgres(.server, "53200"), "count apart"),
            (postgres(.server, "58030"), "count apart"),
            (postgres(.connection), "count apart"),
            (postgres(.connection, "25P03"), "count apart"),
            (postgres(.connection, "57P01"), "rest"),
            (postgres(.commitUnknown), "rest"),
            (postgres(.server, "55P03"), "rest"),
            (postgres(.server, "53100"), "rest"),
            (postgres(.server, "42501"), "rest"),
            (postgres(.server, "25006"), "rest"),
            (KafkaError(.timedOut, operation: "read the metadata"), "rest"),
            (KafkaError(.fatal, operation: "read the metadata"), "leave"),
            (postgres(.server, "SW001"), "leave"),
        ] as [(any Error, String)]
    )
    func `a parked message's try counts unless nobody is to blame`(error: any Error, remedy: String) {
        let found =
            switch ParkedRemedy.of(error) {
            case .count(.ofMessage, let reason): reason.code
            case .count(.ofTransaction, _): "count apart"
            case .rest: "rest"
            case .leave: "leave"
            }
        #expect(found == remedy)
    }

    /// Messages as `id`, suspects as `id!`; ids that are the same are the inbox's, `-` has none.
    @Test(arguments: [
        ("", ""), ("a b c", "a b c"), ("a b a c", "a b|a c"), ("a a a", "a|a|a"), ("- - -", "- - -"),
        ("a b! c", "a|b!|c"), ("a! b!", "a!|b!"), ("a b! a", "a|b!|a"), ("a b a b", "a b|a b"),
    ])
    func `a transaction ends before a repetition and around a suspect`(polled: String, groups: String) {
        let messages = polled.split(separator: " ").map(String.init)
        let cut = transactionGroups(
            messages.count,
            isSuspect: { messages[$0].hasSuffix("!") },
            identity: {
                messages[$0] == "-" ? nil : InboxKey(caller: "c", source: "s", id: messages[$0], digest: [])
            }
        )
        #expect(cut.map { messages[$0].joined(separator: " ") }.joined(separator: "|") == groups)
    }

    @Test(arguments: [(1, 2000), (7, 60_000), (8, nil), (9, nil)] as [(Int, Int64?)])
    func `a parked message is given up after so many tries`(made: Int, delay: Int64?) {
        #expect(RetryPolicy().nextDelayMilliseconds(attempts: made) == delay)
    }
}
