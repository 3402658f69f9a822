/// How long things take in a simulated cluster, in microseconds; each is varied by the jitter.
public struct SimulatedTimings: Sendable, Hashable {
    /// From a command to its objects: helm at work.
    public var apply: Int64 = 300_000
    /// From a change of a specification to its controller's reaction.
    public var observe: Int64 = 100_000
    /// From a pod's creation to a node for it.
    public var schedule: Int64 = 200_000
    /// From a node to an image, or to the registry's refusal.
    public var pull: Int64 = 1_200_000
    /// From an image to a running container.
    public var start: Int64 = 300_000
    /// From running to ready, and from running to an end where containers crash.
    public var ready: Int64 = 800_000
    /// From the deletion of a pod to its end.
    public var terminate: Int64 = 500_000
    /// How long a hook Job runs whose values do not say it.
    public var hook: Int64 = 1_500_000
    /// From a Certificate to what its issuer answers.
    public var issue: Int64 = 2_000_000
    /// How many times as fast as usual: for times that values give in seconds.
    var speed = 1.0
    /// The first wait of a kubelet's back-off; each further one is twice as long, at most thirty times the first.
    public var backOff: Int64 = 10_000_000
    /// By how much each time varies, in percent of it, up and down.
    public var jitterPercent: Int64 = 25

    /// The usual times: a small release is ready in about three seconds.
    public init() {}

    /// The usual times with everything, back-offs too, so many times as fast.
    public init(speed: Double) {
        func scale(_ time: inout Int64) { time = Int64(Double(time) / max(speed, 0.001)) }
        scale(&apply)
        scale(&observe)
        scale(&schedule)
        scale(&pull)
        scale(&start)
        scale(&ready)
        scale(&terminate)
        scale(&backOff)
        scale(&hook)
        scale(&issue)
        self.speed = max(speed, 0.001)
    }

    /// A time that values give in seconds.
    func time(seconds: Double) -> Int64 { Int64(min(max(seconds, 0), 86_400) / speed * 1_000_000) }

    func varied(_ time: Int64, _ random: inout SeededRandom) -> Int64 {
        let span = time * jitterPercent / 100
        return span > 0 ? time + Int64.random(in: -span...span, using: &random) : time
    }
}
