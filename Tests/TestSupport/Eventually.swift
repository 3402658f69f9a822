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

/// How many times as long a busy machine may take as a free one: a limit only ends a test that fails, and a machine on which
/// much else is going on is not what fails.
public let patience = 4

/// Waits for a fact, with a limit; returns what the closure finds.
///
/// - Parameters:
///   - limit: How long a free machine may take; ``patience`` times as long is waited.
///   - body: Looks for the fact; returns `nil` while it is not there. An error counts as not there yet.
public func eventually<R>(
    _ what: String,
    within limit: Duration = .seconds(40),
    _ body: () throws -> R?
) throws -> R {
    let end = ContinuousClock.now + limit * patience
    var last = ""
    while true {
        do {
            if let found = try body() { return found }
        } catch {
            last = " (\(error))"
        }
        guard ContinuousClock.now < end else {
            throw NotSeen(description: "not seen within \(limit * patience): \(what)\(last)")
        }
        Thread.sleep(forTimeInterval: 0.02)
    }
}
