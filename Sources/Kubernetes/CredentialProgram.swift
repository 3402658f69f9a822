internal import CloudEvents
import Foundation
import Processes

/// A program that says who the client is: an exec plugin of a kubeconfig file.
public struct CredentialProgram: Sendable, Hashable {
    /// The program: a path, or a name on the search path.
    public var command: String
    /// What it is called with.
    public var arguments: [String]
    /// Variables over those of this process.
    public var environment: [String: String]
    /// The version of its contract.
    public var apiVersion: String

    /// Names a program.
    public init(command: String, arguments: [String], environment: [String: String], apiVersion: String) {
        self.command = command
        self.arguments = arguments
        self.environment = environment
        self.apiVersion = apiVersion
    }

    /// What it answered.
    struct Answer: Sendable {
        var token: String?
        var certificate: (chain: [UInt8], key: [UInt8])?
        var expires: Date?
    }

    private struct ExecCredential: Decodable {
        struct Status: Decodable {
            let token: String?
            let clientCertificateData: String?
            let clientKeyData: String?
            let expirationTimestamp: String?
        }

        let status: Status?
    }

    /// How long it may take.
    private static let limit = Duration.seconds(60)

    /// Runs the program on a thread of its own and reads its answer.
    func ask() async throws(KubernetesError) -> Answer {
        let result: Result<Answer, KubernetesError> = await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: Result { () throws(KubernetesError) in try run() }) }
            thread.name = "credential program"
            thread.start()
        }
        return try result.get()
    }

    /// Reads a time of RFC 3339, with or without fractions of a second.
    ///
    /// Not by Foundation's formatters, which end the process where the fraction has hundreds of digits.
    static func date(_ text: String) -> Date? {
        RFC3339.parse(text).map { Date(timeIntervalSince1970: Double($0) / 1_000_000) }
    }

    private func run() throws(KubernetesError) -> Answer {
        let info = #"{"apiVersion":"\#(apiVersion)","kind":"ExecCredential","spec":{"interactive":false}}"#
        let answer: (ending: ChildProcess.Ending, bytes: [UInt8])
        do {
            answer = try ChildProcess.output(
                of: ["/usr/bin/env", command] + arguments,
                environment: ProcessInfo.processInfo.environment
                    .merging(environment) { $1 }
                    .merging(["KUBERNETES_EXEC_INFO": info]) { $1 },
                errors: .null,
                atMost: Self.limit,
                mostBytes: 1 << 20
            )
        } catch {
            throw .unreachable("The credential program '\(command)' cannot be run.")
        }
        guard answer.ending == .code(0) else {
            throw .unreachable("The credential program '\(command)' ended with \(answer.ending).")
        }
        return try read(answer.bytes)
    }

    /// Reads what the program printed.
    func read(_ bytes: [UInt8]) throws(KubernetesError) -> Answer {
        guard let status = (try? JSONDecoder().decode(ExecCredential.self, from: Data(bytes)))?.status else {
            throw .unreachable("The credential program '\(command)' did not print an ExecCredential with a status.")
        }
        var answer = Answer(token: status.token)
        if let chain = status.clientCertificateData, let key = status.clientKeyData {
            answer.certificate = (Array(chain.utf8), Array(key.utf8))
        }
        answer.expires = status.expirationTimestamp.flatMap(Self.date)
        guard answer.token != nil || answer.certificate != nil else {
            throw .unreachable("The credential program '\(command)' gave neither a token nor a certificate.")
        }
        return answer
    }
}
