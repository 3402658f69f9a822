import Foundation

@testable import Domain
@testable import WorkerRuntime

/// A request as its sender meant it.
struct Request {
    /// What is wrong with it.
    enum Fault {
        /// It cannot be read.
        case unreadable
        /// It makes its worker's transaction fail for so long.
        case failing(seconds: Int64)
    }

    let id: String
    let operation: InstanceOperation
    let environment: String
    let instance: String
    let version: String
    let fault: Fault?
    let inboxKey: InboxKey

    static let source = "/simulation"

    init(
        id: String,
        operation: InstanceOperation,
        environment: String,
        instance: String,
        version: String,
        fault: Fault? = nil
    ) {
        (self.id, self.operation, self.environment) = (id, operation, environment)
        (self.instance, self.version, self.fault) = (instance, version, fault)
        let content = "\(operation) \(environment) \(instance) \(version)"
        inboxKey = InboxKey(caller: "somebody", source: Self.source, id: id, digest: Array(content.utf8))
    }

    /// Whether nobody will ever handle it.
    var isHopeless: Bool {
        switch fault {
        case .unreadable: true
        case .failing(let seconds): seconds > 600
        case nil: false
        }
    }

    var type: String { "slipway.instance.\(operation.rawValue).v1" }

    /// What its answer repeats of it.
    var identity: RequestIdentity {
        RequestIdentity(
            source: Self.source,
            id: id,
            type: type,
            key: environment,
            subjectKind: "instance",
            subjectName: instance
        )
    }

    /// What stands in its message.
    var text: String { "\(operation.rawValue) \(instance) \(version)" }
}
