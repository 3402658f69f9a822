/// The W3C trace that a message belongs to, passed through unread.
public struct TraceContext: Sendable, Hashable {
    /// The trace and the step in it that the message comes of, as the header `traceparent` has it.
    public var parent: String
    /// What else the trace's vendors want passed through, as the header `tracestate` has it.
    public var state: String?

    /// Makes a trace of its two headers; `nil` without a parent, since a state alone means nothing.
    public init?(parent: String?, state: String? = nil) {
        guard let parent else { return nil }
        self.parent = parent
        self.state = state
    }

    /// The headers that carry it, in a fixed order.
    public var headers: [(String, String)] {
        guard let state else { return [("traceparent", parent)] }
        return [("traceparent", parent), ("tracestate", state)]
    }
}
