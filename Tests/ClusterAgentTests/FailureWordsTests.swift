import Domain
import Foundation
import JSON
import Testing

@testable import ClusterAgent

/// Why a command failed reaches the fleet, whatever the words.
@Suite struct FailureWordsTests {
    @Test func `a NUL in the words of a failure does not keep the fleet from reading it`() throws {
        let failure = WorkFailure(code: "apply_failed", message: "helm: got 'a\0b'")
        let data = AgentStatement.failed(CommandMark(command: "c-1", generation: 1), failure).data
        try JSONParser().validate(data)
        let told = try JSONDecoder().decode(AgentFailed.self, from: Data(data))
        #expect(told.code == "apply_failed" && told.message == "helm: got 'a\u{FFFD}b'")
    }
}
