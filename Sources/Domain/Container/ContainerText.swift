internal import JSON

/// One or two words on how a container is doing.
enum ContainerText {
    /// The state of a container by its status.
    static func text(_ status: JSONValue) -> String {
        if let trouble = trouble(status, whenStarting: nil) { return trouble }
        return status["state"]?["running"].map { !$0.isNull } == true ? "Running" : "Waiting"
    }

    /// Why a container waits or how it ended; `nil` while it runs, or waits without a reason.
    ///
    /// - Parameter whenStarting: A reason to wait that says nothing.
    static func trouble(_ status: JSONValue, whenStarting idle: StaticString?) -> String? {
        if let ended = status["state"]?["terminated"], !ended.isNull {
            if let reason = filled(ended["reason"]) { return reason }
            if let signal = ended["signal"]?.int, signal != 0 { return "Signal:\(signal)" }
            return "ExitCode:\(ended["exitCode"]?.int ?? 0)"
        }
        guard let reason = status["state"]?["waiting"]?["reason"], let text = filled(reason) else { return nil }
        if let idle, reason.equals(idle) { return nil }
        return text
    }

    /// A text that is there and not empty.
    static func filled(_ value: JSONValue?) -> String? {
        guard let text = value?.string, !text.isEmpty else { return nil }
        return text
    }
}
