import Testing
import WorkerRuntime

@testable import Domain

/// The life of networks, domains, config maps and secrets, transition by transition.
@Suite struct ObjectStateTests {
    typealias Event = ObjectState.Event

    /// Everything that can happen.
    static let events: [Event] = ObjectOperation.allCases.flatMap { [.accepted($0), .succeeded($0), .failed($0)] }
    static let states: [ObjectState?] = [nil] + ObjectState.allCases

    /// Every move that there is; all others move nothing.
    static let moves: [(ObjectState?, Event, ObjectState)] = [
        (nil, .accepted(.create), .operating),
        (.deleted, .accepted(.create), .operating),
        (.running, .accepted(.edit), .operating),
        (.running, .accepted(.delete), .operating),
        (.failed, .accepted(.edit), .operating),
        (.failed, .accepted(.delete), .operating),
        (.operating, .succeeded(.create), .running),
        (.operating, .succeeded(.edit), .running),
        (.operating, .succeeded(.delete), .deleted),
        (.operating, .failed(.create), .failed),
        (.operating, .failed(.edit), .failed),
        (.operating, .failed(.delete), .failed),
    ]

    @Test func `each event moves each state as the table says, and no other way`() {
        for state in Self.states {
            for event in Self.events {
                let wanted = Self.moves.first { $0.0 == state && $0.1 == event }?.2
                #expect(ObjectState.next(state, event) == wanted, "\(String(describing: state)) \(event)")
            }
        }
    }

    @Test func `nothing is stuck: from each state there is a way to running and to deleted`() {
        for state in Self.states {
            var reached: Set<ObjectState?> = [state]
            for _ in Self.states {
                for state in reached {
                    for event in Self.events {
                        if let next = ObjectState.next(state, event) { reached.insert(next) }
                    }
                }
            }
            #expect(reached.contains(.running) && reached.contains(.deleted), "\(String(describing: state))")
        }
    }

    static let refused: [(ObjectState?, ObjectOperation, String)] = [
        (nil, .edit, "unknown_network"), (nil, .delete, "unknown_network"),
        (.deleted, .edit, "unknown_network"), (.deleted, .delete, "unknown_network"),
        (.operating, .create, "name_taken"), (.running, .create, "name_taken"), (.failed, .create, "name_taken"),
        (.operating, .edit, "object_busy"), (.operating, .delete, "object_busy"),
    ]

    @Test func `which operation is allowed in which state is told with a reason`() throws {
        for state in Self.states {
            for operation in ObjectOperation.allCases {
                let reason = try refusal { try ObjectState.check(operation, in: state, .network, "web") }
                let wanted = Self.refused.first { $0.0 == state && $0.1 == operation }?.2
                #expect(reason?.code == wanted, "\(String(describing: state)) \(operation)")
                if let reason {
                    expectSentence(reason)
                    #expect(reason.sentence.contains("'web'") && reason.field == "network")
                }
            }
        }
    }

    @Test func `a config map is called so in sentences, codes and fields`() throws {
        let reason = try #require(try refusal { try ObjectState.check(.edit, in: nil, .configMap, "settings") })
        #expect(reason.code == "unknown_config_map" && reason.field == "configMap")
        #expect(reason.sentence == "The config map 'settings' does not exist; create it first.")
    }
}
