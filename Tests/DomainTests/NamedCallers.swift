import WorkerRuntime

@testable import Domain

/// Callers as tests name them: `root` runs the platform, `olga` owns the project, an empty name proves nothing,
/// and `later` cannot be told now.
struct NamedCallers: CallerSource {
    static let header = "test-caller"

    func caller(of message: KafkaMessageView) throws(CallerError) -> Caller {
        let name = message.header(Self.header) ?? "olga"
        guard !name.isEmpty else {
            throw .refused(
                Reason(code: "no_identity", sentence: "The request proves no identity.", field: "authorization")
            )
        }
        guard name != "later" else { throw .unavailable(Reason(code: "keys", sentence: "The keys are away.")) }
        return Caller(name)
    }
}
