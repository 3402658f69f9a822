import Foundation

/// Why the Kubernetes API did not do what it was asked.
public struct KubernetesError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The HTTP status; 0 where no answer came.
    public let status: Int
    /// The API's word for it, such as `AlreadyExists`; `Unreachable` where no answer came, `Unusable` where none can.
    public let reason: String
    /// What happened, for people.
    public let message: String

    /// Makes an error.
    public init(status: Int, reason: String, message: String) {
        self.status = status
        self.reason = reason
        self.message = message
    }

    /// What was asked for is not there, or is a kind that the server does not have.
    public var isNotFound: Bool { status == 404 }
    /// It is there already, or was changed by somebody else meanwhile.
    public var isConflict: Bool { status == 409 }
    /// What a watch would go on from is too old: everything has to be listed again.
    public var isGone: Bool { status == 410 }
    /// The same may succeed later: the server is away, busy, or it failed by itself.
    public var isRetriable: Bool {
        status == 0 && reason != "Unusable" || status == 408 || status == 429 || status >= 500
    }

    /// Who asks is not known, or has no right to it.
    ///
    /// Rights in a new namespace, new tokens and a server that has just started take a moment. What the server refuses for
    /// another reason, such as a quota, is none of it.
    public var isDenied: Bool { status == 401 || status == 403 && message.contains("is forbidden: User ") }

    /// The sentence for people.
    public var description: String {
        status == 0 ? message : "the Kubernetes API answered \(status) \(reason): \(message)"
    }

    /// Reads the API's `Status` object; where the answer is none, its beginning is not quoted.
    init(status: Int, body: [UInt8]) {
        struct Answer: Decodable {
            let reason: String?
            let message: String?
            let code: Int?
        }
        let answer = try? JSONDecoder().decode(Answer.self, from: Data(body))
        self.init(
            status: status,
            reason: answer?.reason ?? "Unknown",
            message: answer?.message.map { String($0.prefix(1000)) } ?? "it gave no reason"
        )
    }

    /// The configuration cannot be used, however often it is tried.
    static func unusable(_ message: String) -> KubernetesError {
        KubernetesError(status: 0, reason: "Unusable", message: message)
    }

    /// No answer came.
    static func unreachable(_ message: String) -> KubernetesError {
        KubernetesError(status: 0, reason: "Unreachable", message: message)
    }
}
