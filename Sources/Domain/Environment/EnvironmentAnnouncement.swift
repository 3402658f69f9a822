/// What others hear of an environment, as a CDEvent: nothing before it was there.
///
/// Pure.
struct EnvironmentAnnouncement: Sendable, Hashable {
    /// Whether its namespace was made before in the life that it has; `nil` where an older worker did not write it down.
    let wasMade: Bool?

    /// What is told of an environment whose namespace was made by an operation.
    ///
    /// One that could not be made may be connected to another cluster, and then is there for the first time.
    func made(by operation: String) -> CDEvent.EnvironmentVerb {
        let wasMade = wasMade ?? (operation != CreateEnvironment.name)
        return wasMade ? .modified : .created
    }

    /// Whether a change of it, or its end, is told.
    var isKnown: Bool { wasMade != false }
}
