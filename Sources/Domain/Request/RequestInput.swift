import Foundation
import WorkerRuntime

/// A deployment request as it was read: a body, or why there is none.
public struct RequestInput: Sendable {
    /// Who asked for what.
    public let identity: RequestIdentity
    /// Who sent it.
    public let caller: Caller
    let body: Result<any RequestOperation, Reason>
    let digest: [UInt8]
}
