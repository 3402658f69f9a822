internal import CloudEvents
import WorkerRuntime

extension Reason {
    /// A known type in a version that this program does not read.
    ///
    /// Thrown by handlers, so that the message waits with its key: while a fleet is brought up to date, a newer worker may
    /// stand by. After the last try it goes to the dead letters with this reason.
    static func unknownVersion(_ type: EventType) -> Reason {
        Reason(
            code: "unknown_version",
            sentence: "Version \(type.version) of '\(type.name)' is not known to this fleet; 1 is.",
            field: "ce_type"
        )
    }
}
