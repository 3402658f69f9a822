import Foundation
import Testing

@testable import Kubernetes

/// What a credential program prints is read, or refused.
@Suite struct CredentialProgramTests {
    private let program = CredentialProgram(
        command: "login",
        arguments: [],
        environment: [:],
        apiVersion: "client.authentication.k8s.io/v1"
    )

    private func answer(until end: String) throws -> CredentialProgram.Answer {
        try program.read(Array(#"{"status":{"token":"t","expirationTimestamp":"\#(end)"}}"#.utf8))
    }

    @Test(arguments: [
        ("2026-11-27T17:18:42Z", 1_795_799_922), ("2026-11-27T17:18:42.5Z", 1_795_799_922.5),
        ("2026-11-27T19:18:42+02:00", 1_795_799_922),
    ])
    func `the end of a credential is a time with or without a fraction`(end: String, seconds: Double) throws {
        #expect(try answer(until: end).expires == Date(timeIntervalSince1970: seconds))
    }

    @Test func `an end with hundreds of digits, or that is no time, ends no agent`() throws {
        let nines = String(repeating: "9", count: 420)
        #expect(try answer(until: "2026-11-27T17:18:42.\(nines)Z").expires != nil)
        #expect(try answer(until: "tomorrow").expires == nil)
        #expect(try answer(until: "").token == "t")
    }
}
