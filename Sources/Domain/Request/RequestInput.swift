import Foundation
import WorkerRuntime

/// A deployment request as it was read: a body, or why there is none.
public struct RequestInput: Sendable {
    /// Who asked for what.
    public let identity: RequestIdentity
    /// Who is taken to have sent it.
    public let caller: Caller
    let body: Result<RequestBody, Reason>
    let digest: [UInt8]
}

/// Who sent a request.
///
/// Until callers are told by tokens, the right to write to the topic is the trust: the caller is the event's source.
/// The fleet's own sources are the exception: they must carry the fleet's signature.
public struct Caller: Sendable, Hashable {
    /// The name under which the act is recorded.
    public let name: String
    /// On whose behalf it acts, for rules.
    public let onBehalfOf: String?
}
