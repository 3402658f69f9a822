import Foundation
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What is published of resources, instances and environments is what `topics/` promises, and nothing besides.
@Suite struct StatusContractTests {
    private func check(_ record: OutboxRecord) throws {
        let file = TopicsTests.folder.appending(path: "\(record.topic)/slipway.\(record.topic).v1.schema.json")
        let schema = try Data(contentsOf: file)
        let value = try JSONSerialization.jsonObject(with: Data(try #require(record.value)))
        let faults = try JSONSchema(schema).faults(of: value)
        #expect(faults.isEmpty, "\(record.topic): \(faults)")
        let root = try #require(try JSONSerialization.jsonObject(with: schema) as? [String: Any])
        let untold = Self.untold(value, root)
        #expect(untold.isEmpty, "\(record.topic) does not tell of \(untold)")
    }

    /// The members that a schema does not tell of.
    private static func untold(_ value: Any, _ schema: [String: Any], at path: String = "data") -> [String] {
        if let list = value as? [Any] {
            let items = schema["items"] as? [String: Any] ?? [:]
            return list.flatMap { untold($0, items, at: path + "[]") }
        }
        guard let object = value as? [String: Any] else { return [] }
        let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
        var found: [String] = []
        for (name, member) in object {
            guard let property = properties[name] else {
                found.append("\(path).\(name)")
                continue
            }
            found += untold(member, property, at: "\(path).\(name)")
        }
        return found
    }

    @Test func `an object's status, with every sign that a pod can show`() throws {
        let stream = StreamID(cluster: "eu-1", namespace: "shop-staging")
        let id = ResourceID(stream: stream, kind: "Pod", name: "web-1-x")
        var state = ResourceState(
            apiVersion: "v1",
            uid: "u1",
            position: StreamPosition(epoch: 1, sequence: 1),
            assessment: HealthAssessment(.healthy),
            revision: 1
        )
        try check(ResourceStatus.record(of: id, state, at: 1_764_000_000_000_000))
        (state.instance, state.generation, state.observedGeneration) = ("web-1", 3, 2)
        (state.isReady, state.commandGeneration) = (false, 3)
        for health in Health.allCases {
            state.assessment = HealthAssessment(health, "Some words.")
            for code in FailureSign.Code.allCases {
                state.sign = FailureSign(code, "The container web keeps ending.")
                let record = ResourceStatus.record(of: id, state, at: 1_764_000_000_000_000)
                try check(record)
                #expect(String(decoding: record.value ?? [], as: UTF8.self).contains(#""code":"\#(code.rawValue)""#))
            }
        }
    }

    @Test(arguments: InstanceState.allCases.filter { $0 != .deleted })
    func `an instance's status in each state`(state: InstanceState) throws {
        func status(_ reason: Reason?, _ drift: [DriftedObject]) throws -> InstanceStatus {
            InstanceStatus(
                project: "shop",
                environment: "staging",
                instance: "web-1",
                application: "web",
                desiredVersion: "1.4.2",
                runningVersion: reason.map { _ in "1.4.1" },
                state: state.rawValue,
                health: Health.degraded.rawValue,
                healthReason: reason?.sentence,
                podsReady: 1,
                podsTotal: 2,
                generation: 3,
                revision: 7,
                command: reason.map { _ in UUID() },
                changedAt: 1_764_000_000_000_000,
                changedBy: "agent-worker",
                reason: reason,
                drift: drift.isEmpty ? nil : Array(try JSONEncoder().encode(drift))
            )
        }
        try check(try status(nil, []).record)
        let reason = Reason(code: "image_pull", sentence: "The image cannot be pulled.", field: "version")
        let drift = [
            DriftedObject(apiVersion: "v1", kind: "Service", name: "web", change: .missing),
            DriftedObject(apiVersion: "apps/v1", kind: "Deployment", name: "web", change: .changed),
        ]
        try check(try status(reason, drift).record)
    }

    @Test(arguments: EnvironmentState.allCases.filter { $0 != .deleted })
    func `an environment's status in each state`(state: EnvironmentState) throws {
        func status(_ text: String?, _ reason: Reason?) -> EnvironmentStatus {
            EnvironmentStatus(
                project: "shop",
                environment: "staging",
                cluster: "eu-1",
                namespace: "shop-staging",
                state: state.rawValue,
                reason: reason,
                revision: 1,
                changedAt: 1_764_000_000_000_000,
                changedBy: "deployment-worker",
                displayName: text,
                description: text,
                group: text,
                position: 0,
                isOpenToMembers: true,
                repairsDrift: false,
                isConnected: true
            )
        }
        try check(status(nil, nil).record)
        try check(status("For everybody", Reason(code: "forbidden", sentence: "No.")).record)
    }
}
