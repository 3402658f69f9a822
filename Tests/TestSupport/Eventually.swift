import Foundation

/// What a test waited for and did not see.
public struct NotSeen: Error, CustomStringConvertible {
    /// What was waited for.
    public let description: String

    /// Says what.
    public init(description: String) {
        self.description = description
    }
}

/// Waits for a fact, with a limit; returns what the closure finds.
///
/// - Parameter body: Looks for the fact; returns `nil` while it is not there. An error counts as not there yet.
public func eventually<R>(
    _ what: String,
    within limit: Duration = .seconds(40),
    _ body: () throws -> R?
) throws -> R {
    let end = ContinuousClock.now + limit
    var last = ""
    while true {
        do {
            if let found = try body() { return found }
        } catch {
            last = " (\(error))"
        }
        guard ContinuousClock.now < end else { throw NotSeen(description: "not seen within \(limit): \(what)\(last)") }
        Thread.sleep(forTimeInterval: 0.02)
    }
}
