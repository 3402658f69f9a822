import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Which requests an environment takes in which state: one refusal for each state that forbids it.
@Suite struct EnvironmentStateRefusalTests {
    /// What is asked, and the members beside project and environment.
    private static let requests: [(what: String, members: String)] = [
        ("environment.enable", ""), ("environment.disable", ""), ("environment.delete", ""),
        ("environment.connect", #""cluster":"c2""#), ("environment.create", #""cluster":"c1""#),
        ("environment.update", #""displayName":"Staging""#), ("environment.assign", #""users":[]"#),
        ("environment.move", #""position":1"#),
        ("instance.deploy", #""application":"web","version":"1.0.0","instance":"web""#),
        ("config-map.create", #""configMap":"m","data":{"a":"b"}"#),
        ("autodeploy.create", #""application":"web","instance":"auto""#),
    ]

    /// The requests that are taken in each state, in that order: `+` taken, `-` refused.
    static let taken: [(state: EnvironmentState, taken: String)] = [
        (.creating, "-----+++--+"), (.active, "-+--" + "-+++" + "+++"), (.failed, "--+++" + "+++" + "--+"),
        (.disabled, "+-+--" + "+++" + "--+"), (.deleting, "--+--" + "---" + "---"),
    ]

    private func members(_ members: String) -> String {
        #"{"project":"shop","environment":"staging"\#(members.isEmpty ? "" : ",")\#(members)}"#
    }

    @Test(arguments: taken)
    func `each state takes what its table says, and refuses the rest with its name`(
        state: EnvironmentState,
        taken: String
    ) throws {
        for (request, isTaken) in zip(Self.requests, taken.map { $0 == "+" }) {
            let world = try CommandWorld.ready()
            try world.register("c2")
            try world.connection.script("update environment set state = '\(state.rawValue)'")
            let outcome = try world.request(request.what, key: "shop/staging", members(request.members))
            guard case .rejected(let reason) = outcome else {
                #expect(isTaken, "\(request.what) was taken while \(state)")
                continue
            }
            #expect(!isTaken, "\(request.what) was refused while \(state): \(reason)")
            #expect(
                reason.code.contains(state.rawValue) || reason.code == "environment_not_active"
                    || ["already_exists", "deletion_under_way", "cluster_connected"].contains(reason.code),
                "\(request.what) while \(state): \(reason)"
            )
            #expect(try world.text("select state from environment") == state.rawValue, "a refusal changes nothing")
        }
    }
}
