/// What others hear of a command that has ended, as a CDEvent.
///
/// Pure.
struct ServiceAnnouncement: Sendable, Hashable {
    /// What happened to the service; `nil` where nothing is told.
    let verb: CDEvent.ServiceVerb?

    /// Decides.
    ///
    /// A command that decides no version may include one that did: then it is told like that one.
    ///
    /// - Parameters:
    ///   - isFirst: Whether nothing has succeeded before.
    ///   - isOtherVersion: Whether it was another version that succeeded last.
    ///   - hasRun: Whether anything has run, if perhaps of a command that ended otherwise.
    init(_ command: Command, isFirst: Bool, isOtherVersion: Bool, hasRun: Bool) {
        guard command.state == .succeeded, let operation = InstanceOperation(command: command.operation) else {
            verb = nil
            return
        }
        if operation == .delete {
            // Of what never was there nobody has heard.
            verb = isFirst && !hasRun ? nil : .removed
        } else if isFirst {
            verb = .deployed
        } else if operation == .rollback {
            verb = .rolledback
        } else {
            verb = operation.isDeployment || isOtherVersion ? .upgraded : nil
        }
    }
}
