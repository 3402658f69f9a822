import WorkerRuntime

/// Where an environment stands.
public enum EnvironmentState: String, Sendable, Hashable, CaseIterable {
    /// Its namespace is being made.
    case creating
    /// It takes deployments.
    case active
    /// Its namespace could not be made.
    case failed
    /// An owner has put it out of use: nothing may be deployed to it.
    case disabled
    /// It is being taken away with everything in it.
    case deleting
    /// It is gone; the row keeps the revision, in case the name comes again.
    case deleted
}

/// What happens to an environment.
public enum EnvironmentEvent: String, Sendable, Hashable, CaseIterable {
    /// Somebody asks for it.
    case create
    /// Somebody asks for it in another cluster.
    case connect
    /// Its namespace is there.
    case made
    /// Its namespace cannot be made.
    case notMade
    /// An owner puts it out of use.
    case disable
    /// An owner puts it into use again.
    case enable
    /// An owner deletes it while it is out of use.
    case delete
    /// An owner deletes it with all that runs in it.
    case forceDelete
    /// Its namespace is gone, with everything in it.
    case gone
    /// Its namespace could not be removed.
    case notGone
}

/// What an event comes to.
public enum EnvironmentStep: Sendable, Hashable {
    /// The environment moves on.
    case moves(EnvironmentState)
    /// It stays as it is; what happened is told with it.
    case stays
    /// The event is not allowed in this state; the text says what would be.
    case refused(String)
    /// The event says nothing new, or comes too late.
    case ignored
}

/// What somebody may want to do in an environment.
enum EnvironmentUse: String, Sendable, Hashable, CaseIterable {
    /// Deploy to it, or change what is in it.
    case deploy
    /// Take something out of it that is not an instance: those have a table of their own.
    case remove
    /// Change what is said of it: its names, its place, who may use it, its rules.
    case configure
}

extension EnvironmentState {
    /// The state machine of environments, as a table: the state, and what each event comes to in it.
    public func step(_ event: EnvironmentEvent) -> EnvironmentStep {
        switch event {
        case .create, .connect: stepToNamespace(event)
        case .made: self == .creating || self == .failed ? .moves(.active) : .ignored
        case .notMade: self == .creating ? .moves(.failed) : .ignored
        case .disable: self == .active ? .moves(.disabled) : .refused("only an active one can be disabled")
        case .enable: self == .disabled ? .moves(.active) : .refused("only a disabled one can be enabled")
        case .delete, .forceDelete: stepToDeletion(event)
        case .gone: self == .deleting ? .moves(.deleted) : .ignored
        case .notGone: self == .deleting ? .stays : .ignored
        }
    }

    private func stepToNamespace(_ event: EnvironmentEvent) -> EnvironmentStep {
        switch (self, event) {
        case (.deleted, .create), (.failed, .create), (.failed, .connect), (.active, .connect): .moves(.creating)
        case (.deleting, .create): .refused("wait for its end, then create it")
        case (_, .create): .refused("choose another name")
        case (.disabled, .connect): .refused("enable it first")
        default: .refused("only a failed one, or one whose cluster has no agent, can be connected to another cluster")
        }
    }

    private func stepToDeletion(_ event: EnvironmentEvent) -> EnvironmentStep {
        switch (self, event) {
        // A deletion that ended without success may be asked for again.
        case (.failed, _), (.disabled, _), (.deleting, _): .moves(.deleting)
        case (.creating, .forceDelete), (.active, .forceDelete): .moves(.deleting)
        case (.deleted, _): .refused("there is nothing to delete")
        default:
            .refused("disable it first, or say 'force': true, which takes down what runs in it")
        }
    }

    /// Whether somebody may use the environment so, as a table.
    func allows(_ use: EnvironmentUse) -> Bool {
        switch (self, use) {
        case (.active, .deploy): true
        case (_, .deploy): false
        // A disabled one takes what leads out of it.
        case (.active, .remove), (.disabled, .remove): true
        case (_, .remove): false
        case (.creating, .configure), (.active, .configure), (.failed, .configure), (.disabled, .configure): true
        case (.deleting, .configure), (.deleted, .configure): false
        }
    }
}

extension EnvironmentRow {
    /// The state that an event leads to.
    ///
    /// - Throws: A reason where the event is not allowed in the environment's state.
    func state(after event: EnvironmentEvent) throws(Reason) -> EnvironmentState {
        switch state.step(event) {
        case .moves(let next): return next
        case .stays, .ignored: return state
        case .refused(let advice):
            throw Reason(
                code: "environment_is_\(state.rawValue)",
                sentence: "The environment '\(key)' is \(state.rawValue): \(advice).",
                field: "environment"
            )
        }
    }

    /// Refuses to change what is said of an environment that is on its way out.
    func requireConfigurable() throws(Reason) {
        guard state.allows(.configure) else {
            throw Reason(
                code: "environment_is_\(state.rawValue)",
                sentence: "The environment '\(key)' is \(state.rawValue): it takes no changes any more.",
                field: "environment"
            )
        }
    }
}
