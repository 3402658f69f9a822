import Foundation
import WorkerRuntime

/// Whether an instance takes an operation at all: its environment, its state, the command on its way.
///
/// Pure.
enum InstanceRules {
    /// Refuses what may not be asked for now.
    ///
    /// - Parameter isForced: Whether a deletion is to count at once, though the agent is away.
    static func admit(
        _ operation: InstanceOperation,
        of name: String,
        in environment: EnvironmentRow,
        _ instance: InstanceRow?,
        isForced: Bool = false
    ) throws(Reason) {
        guard operation.isAllowed(in: environment.state) else {
            throw Reason(
                code: "environment_not_active",
                sentence:
                    "The environment '\(environment.key)' is \(environment.state.rawValue), which does not take '\(operation.rawValue)'; it must be active.",
                field: "environment"
            )
        }
        if let open = instance?.open, let present = InstanceOperation(command: open.operation),
            InstanceCollapse.of(open: present, new: operation, isForced: isForced) == .refused
        {
            throw Reason(
                code: "being_deleted",
                sentence: "The instance '\(name)' is being deleted by the command \(open.id.uuidString.lowercased()); "
                    + "wait for its end, or cancel it while the agent has not taken it.",
                field: "instance"
            )
        }
        // A forced deletion makes an open one pointless; every other pair was looked at.
        if isForced, instance?.open?.isRemoval == true { return }
        if let reason = operation.refusal(of: name, in: instance?.standing ?? .deleted) { throw reason }
    }
}
