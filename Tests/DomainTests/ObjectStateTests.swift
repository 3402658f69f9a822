import Testing
import WorkerRuntime

@testable import Domain

/// The life of networks, domains, config maps and secrets, transition by transition.
@Suite struct ObjectStateTests {
    typealias Event = ObjectState.Event

    /// Everything that can happen.
    static let events: [Event] = ObjectOperation.allCases.flatMap {
        [.accepted($0), .succeeded($0), .failed($0), .canceled($0), .succeededLate($0)]
    }
    static let states: [ObjectState?] = [nil] + ObjectState.allCases

    /// Every move that there is; all others move nothing.
    static let moves: [(ObjectState?, Event, ObjectState)] = [
        (nil, .accepted(.create), .operating),
        (.deleted, .accepted(.create), .operating),
        (.operating, .accepted(.edit), .operating),
        (.running, .accepted(.edit), .operating),
        (.failed, .accepted(.edit), .operating),
        (.operating, .accepted(.delete), .deleting),
        (.running, .accepted(.delete), .deleting),
        (.failed, .accepted(.delete), .deleting),
        (.operating, .succeeded(.create), .running),
        (.operating, .succeeded(.edit), .running),
        (.deleting, .succeeded(.delete), .deleted),
        (.operating, .failed(.create), .failed),
        (.operating, .failed(.edit), .failed),
        (.operating, .failed(.delete), .failed),
        (.deleting, .failed(.create), .failed),
        (.deleting, .failed(.edit), .failed),
        (.deleting, .failed(.delete), .failed),
        (.operating, .canceled(.edit), .running),
        (.deleting, .canceled(.delete), .running),
        (.running, .succeededLate(.create), .running),
        (.running, .succeededLate(.edit), .running),
        (.running, .succeededLate(.delete), .deleted),
        (.failed, .succeededLate(.create), .running),
        (.failed, .succeededLate(.edit), .running),
        (.failed, .succeededLate(.delete), .deleted),
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
        (.operating, .create, "already_exists"), (.running, .create, "already_exists"),
        (.failed, .create, "already_exists"),
        (.deleting, .create, "being_deleted"), (.deleting, .edit, "being_deleted"),
        (.deleting, .delete, "being_deleted"),
    ]

    private func check(_ operation: ObjectOperation, _ state: String?, _ concept: ObjectConcept = .network) throws
        -> Reason?
    {
        try refusal { try ObjectLife.check(operation, .init(concept: concept, state: state), "web") }
    }

    @Test func `which operation is allowed in which state is told with a reason`() throws {
        for state in Self.states {
            for operation in ObjectOperation.allCases {
                let reason = try check(operation, state?.rawValue)
                let wanted = Self.refused.first { $0.0 == state && $0.1 == operation }?.2
                #expect(reason?.code == wanted, "\(String(describing: state)) \(operation)")
                if let reason {
                    expectSentence(reason)
                    #expect(reason.sentence.contains("'web'") && reason.field == "network")
                }
            }
        }
    }

    @Test func `a certificate is made anew where it is no good for long, and deleted whatever it is`() throws {
        let codes: [(CertificateState?, create: String?, delete: String?)] = [
            (nil, nil, "unknown_certificate"), (.applying, "already_exists", nil), (.active, "already_exists", nil),
            (.expiring, nil, nil), (.expired, nil, nil), (.failed, nil, nil),
            (.deleting, "being_deleted", "being_deleted"),
        ]
        for (state, create, delete) in codes {
            #expect(try check(.create, state?.rawValue, .certificate)?.code == create)
            #expect(try check(.delete, state?.rawValue, .certificate)?.code == delete)
            #expect(try check(.edit, state?.rawValue, .certificate) != nil, "a certificate is not edited")
        }
        #expect(try check(.create, ObjectLife.deleted, .certificate) == nil)
        #expect(try check(.delete, ObjectLife.deleted, .certificate)?.code == "unknown_certificate")
    }

    @Test func `a config map is called so in sentences, codes and fields`() throws {
        let reason = try #require(try check(.edit, nil, .configMap))
        #expect(reason.code == "unknown_config_map" && reason.field == "configMap")
        #expect(reason.sentence == "The config map 'web' does not exist; create it first.")
    }
}
