import Foundation
import Logging

@testable import Identity

/// A verifier of a key set in a file, and the moment at which requests come.
struct VerifierWorld {
    /// 23 November 2025, 08:00 UTC, in seconds.
    static let second: Int64 = 1_763_884_800

    let folder: Folder
    let key: TestKey
    let verifier: TokenVerifier

    init(
        _ algorithm: String = "ES256",
        settings: TokenSettings = TokenSettings(),
        others: [String] = []
    ) throws {
        folder = try Folder()
        key = try TestKey.make(algorithm)
        try folder.write(TestKey.keySet([key.jwk] + others), to: "keys.json")
        verifier = try TokenVerifier(.file(folder.path("keys.json")), settings: settings, logger: .silent)
    }

    /// Claims that are accepted, with others in place of some.
    static func claims(_ others: [String: String] = [:], without: Set<String> = []) -> String {
        var claims = ["sub": #""alice""#, "iat": "\(second - 10)", "exp": "\(second + 300)"]
        claims.merge(others) { $1 }
        let members = claims.filter { !without.contains($0.key) }.sorted { $0.key < $1.key }
        return "{" + members.map { #""\#($0.key)":\#($0.value)"# }.joined(separator: ",") + "}"
    }

    /// What becomes of a token that comes so many seconds after ``second``.
    func verify(_ token: String?, after seconds: Int64 = 0) -> Result<VerifiedCaller, TokenError> {
        verifier.result(token.map { "Bearer \($0)" }, after: seconds)
    }
}

extension TokenVerifier {
    /// - Parameter seen: So many seconds after ``VerifierWorld/second`` a worker had it in hand, where it waited.
    func result(
        _ authorization: String?,
        after seconds: Int64 = 0,
        seen: Int64? = nil
    ) -> Result<VerifiedCaller, TokenError> {
        do throws(TokenError) {
            return .success(
                try verify(
                    authorization: authorization,
                    at: (VerifierWorld.second + seconds) * 1_000_000,
                    seen: seen.map { (VerifierWorld.second + $0) * 1_000_000 }
                )
            )
        } catch {
            return .failure(error)
        }
    }
}

extension Result where Success == VerifiedCaller, Failure == TokenError {
    /// The stable code of a refusal; `nil` where the caller is verified.
    var code: String? {
        switch self {
        case .success: nil
        case .failure(let error): error.code
        }
    }

    var subject: String? { try? get().subject }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
