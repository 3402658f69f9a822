/// Somebody who acts in the simulation: a lane, a relay, an agent.
protocol Participant: AnyObject {
    /// Does its next step.
    ///
    /// - Returns: After how many microseconds it acts again, unless something wakes it before.
    func act(at now: Int64) -> Int64

    /// Whether it has something in hand.
    var isBusy: Bool { get }

    /// Ends it in the midst of what it does: nothing of it goes on.
    func die(at now: Int64)
}
