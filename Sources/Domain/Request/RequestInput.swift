import Foundation
import WorkerRuntime

/// A deployment request as it was read: a body, or why there is none.
public struct RequestInput: Sendable {
    /// Who asked for what.
    public let identity: RequestIdentity
    /// Who sent it.
    public let caller: Caller
    /// Why it cannot be handled now, because nobody can tell who sent it or what its version means: it is tried again
    /// later.
    let unavailable: Reason?
    /// What is kept with it where it must wait, so that its sender is known then.
    let kept: [(String, String)]
    let body: Result<any RequestOperation, Reason>
    let digest: [UInt8]
}
