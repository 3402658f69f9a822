/// What must be observed before a command has succeeded.
enum CommandGoal: String, Sendable, Hashable, CaseIterable {
    /// Its objects are healthy, for the settling time.
    case healthy
    /// The pods of its Deployments and StatefulSets are gone, and those want none.
    case stopped
    /// No object of the instance is left.
    case gone
    /// The agent did it: there is nothing to watch.
    case applied
}

extension Command {
    /// The goal: it follows from what is done and from the desired state after it.
    ///
    /// Whatever is changed of a stopped instance, it is to have no pods afterwards.
    var goal: CommandGoal {
        guard instanceID != nil else { return .applied }
        if isRemoval { return .gone }
        let isStopped = (try? DesiredState(json: desired))?.isStopped ?? false
        return isStopped ? .stopped : .healthy
    }

    /// Whether its goal is that nothing is left: known without reading the desired state.
    var isRemoval: Bool { instanceID != nil && InstanceOperation(command: operation) == .delete }
}
