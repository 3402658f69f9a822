import Foundation
import TestSupport
import Testing

@testable import Domain

/// The drawings of docs/state-machines.md show the tables of the code: no arrow too few, none too many.
@Suite struct StateMachineDrawingTests {
    /// An arrow as the drawings write it.
    struct Arrow: Hashable, CustomStringConvertible {
        let from: String
        let to: String
        let label: String
        var description: String { "    \(from) --> \(to): \(label)" }
    }

    static let machines = ["commands", "environments", "instances", "agents", "objects", "certificates"]

    static func arrows(_ machine: String) -> Set<Arrow> {
        switch machine {
        case "commands": commands
        case "environments": environments
        case "instances": instances
        case "agents": agents
        case "objects": objects
        default: certificates
        }
    }

    /// Arrows of the same way are drawn as one.
    private static func joined(_ arrows: [Arrow]) -> Set<Arrow> {
        let ways = Dictionary(grouping: arrows) { [$0.from, $0.to] }
        return Set(
            ways.map { way, arrows in
                Arrow(from: way[0], to: way[1], label: Set(arrows.map(\.label)).sorted().joined(separator: ", "))
            }
        )
    }

    private static var commands: Set<Arrow> {
        joined(
            CommandState.allCases.flatMap { state in
                CommandEvent.allCases.compactMap { event in
                    guard case .moves(let next) = state.step(event) else { return nil }
                    return Arrow(from: state.rawValue, to: next.rawValue, label: event.rawValue)
                }
            }
        )
    }

    private static var environments: Set<Arrow> {
        joined(
            EnvironmentState.allCases.flatMap { state in
                EnvironmentEvent.allCases.compactMap { event in
                    guard case .moves(let next) = state.step(event) else { return nil }
                    return Arrow(from: state.rawValue, to: next.rawValue, label: event.rawValue)
                }
            }
        )
    }

    private static var agents: Set<Arrow> {
        joined(
            AgentState.allCases.flatMap { state in
                AgentEvent.allCases.compactMap { event in
                    let next = state.after(event)
                    return next == state ? nil : Arrow(from: state.rawValue, to: next.rawValue, label: event.rawValue)
                }
            }
        )
    }

    /// What may be asked for leads to `operating`; the end of the command leads out of it, its late success past it.
    private static var instances: Set<Arrow> {
        var arrows: [Arrow] = []
        for (state, operations) in InstanceState.allowed {
            for operation in operations {
                arrows.append(Arrow(from: state.rawValue, to: "operating", label: operation.rawValue))
            }
        }
        for goal in [CommandGoal.healthy, .stopped, .gone] {
            let next = InstanceState.operating.next(goal: goal, ended: .succeeded, before: nil)
            arrows.append(Arrow(from: "operating", to: next.rawValue, label: "succeeded (\(goal.rawValue))"))
        }
        for before in [nil, InstanceState.running, .failed, .stopped] {
            for ended in [CommandState.failed, .timedOut, .canceled] {
                let next = InstanceState.operating.next(goal: .healthy, ended: ended, before: before)
                arrows.append(Arrow(from: "operating", to: next.rawValue, label: "not reached"))
            }
        }
        for state in [InstanceState.running, .failed, .stopped] {
            for next in [CommandGoal.healthy, .stopped, .gone].map(InstanceState.init(aim:)) where next != state {
                arrows.append(Arrow(from: state.rawValue, to: next.rawValue, label: "applied late"))
            }
        }
        return joined(arrows)
    }

    private static var objects: Set<Arrow> {
        let events = ObjectOperation.allCases.flatMap { operation -> [(ObjectState.Event, String)] in
            [
                (.accepted(operation), "\(operation.rawValue)"), (.succeeded(operation), "succeeded"),
                (.failed(operation), "failed"), (.canceled(operation), "canceled"),
                (.succeededLate(operation), "succeeded late"),
            ]
        }
        let states: [ObjectState?] = [nil] + ObjectState.allCases
        return joined(
            states.flatMap { state in
                events.compactMap { event, label in
                    guard let next = ObjectState.next(state, event), next != state else { return nil }
                    return Arrow(from: state?.rawValue ?? "[*]", to: next.rawValue, label: label)
                }
            }
        )
    }

    private static var certificates: Set<Arrow> {
        let now: Int64 = 1_000_000_000_000_000
        let day: Int64 = 86_400_000_000
        func validity(_ days: Int64) -> CertificateValidity {
            CertificateValidity(notBefore: now - 90 * day, notAfter: now + days * day)
        }
        let terms = [validity(80), validity(5), validity(-1)]
        var events: [(CertificateState.Event, String)] = [
            (.notIssued(nil, now: now), "not issued"), (.deletionAccepted, "delete"), (.deletionSucceeded, "deleted"),
            (.deletionFailed(nil, now: now), "not deleted"),
        ]
        for term in terms {
            events.append((.issued(term, now: now), "issued"))
            events.append((.notIssued(term, now: now), "not issued"))
            events.append((.looked(term, now: now), "time passes"))
            events.append((.deletionFailed(term, now: now), "not deleted"))
        }
        var arrows = CertificateState.allCases.flatMap { state in
            events.compactMap { event, label -> Arrow? in
                switch CertificateState.next(state, event) {
                case .to(let next): next == state ? nil : Arrow(from: state.rawValue, to: next.rawValue, label: label)
                case .removed: Arrow(from: state.rawValue, to: "[*]", label: label)
                case nil: nil
                }
            }
        }
        let states: [CertificateState?] = [nil] + CertificateState.allCases
        for state in states where CertificateState.mayBeMade(in: state) {
            arrows.append(Arrow(from: state?.rawValue ?? "[*]", to: "applying", label: "request or upload"))
        }
        return joined(arrows)
    }

    private static func drawing(_ machine: String) throws -> Set<String> {
        let docs = TopicsTests.folder.deletingLastPathComponent().appending(path: "docs/state-machines.md")
        let text = try String(contentsOf: docs, encoding: .utf8)
        let block = text.components(separatedBy: "```mermaid\n").first { $0.hasPrefix("%% \(machine)\n") }
        let lines = try #require(block, "there is no drawing of \(machine)").components(separatedBy: "```")[0]
        return Set(lines.split(separator: "\n").map(String.init).filter { $0.contains("-->") })
    }

    @Test(arguments: machines) func `each drawing shows its table, arrow by arrow`(machine: String) throws {
        let drawn = try Self.drawing(machine)
        let expected = Set(Self.arrows(machine).map(\.description))
        let missing = expected.subtracting(drawn).sorted().joined(separator: "\n")
        let wrong = drawn.subtracting(expected).sorted().joined(separator: "\n")
        #expect(missing.isEmpty, "\(machine) lacks:\n\(missing)")
        #expect(wrong.isEmpty, "\(machine) has what is not so:\n\(wrong)")
    }
}
