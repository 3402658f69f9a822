import CloudEvents
import Domain
import Foundation
import JSON
import Kafka

/// Signed, numbered resource changes as an agent would send them: of many namespaces, instances and objects.
struct ResourceLoad {
    static let cluster = "bench"
    static let namespaces = 96
    static let instancesPerNamespace = 5
    let key: SigningKey
    private var sequences: [Int64]
    private var made = 0

    init(fleetKey: FleetKey) {
        key = fleetKey.clusterKey(Self.cluster, keyID: 1)
        sequences = Array(repeating: 0, count: Self.namespaces)
    }

    static func namespace(_ number: Int) -> String { "bench-\(number)" }

    /// The next message: another namespace each time; of ten messages nine touch an object that is known.
    mutating func next(object: Int? = nil) -> KafkaRecord {
        let namespace = made % Self.namespaces
        let place = made / Self.namespaces
        made += 1
        sequences[namespace] += 1
        let number = object ?? (place % 10 == 0 ? place : place % 40)
        let instance = "app-\(number % Self.instancesPerNamespace)"
        return record(
            namespace: Self.namespace(namespace),
            name: "\(instance)-\(number)",
            instance: instance,
            sequence: sequences[namespace],
            ready: made % 3
        )
    }

    private func record(namespace: String, name: String, instance: String, sequence: Int64, ready: Int) -> KafkaRecord {
        let value = Array(Self.deployment(namespace, name, instance, generation: sequence, ready: ready).utf8)
        let kafkaKey = "\(Self.cluster)/\(namespace)"
        let id = "\(namespace)-\(sequence)"
        let source = "/clusters/\(Self.cluster)/agent"
        let type = "slipway.resource.changed.v1"
        let parts = value.withUnsafeBytes {
            SignedParts(
                .fromAgent,
                topic: "resource.changes",
                key: kafkaKey,
                type: type,
                source: source,
                id: id,
                subject: nil,
                time: nil,
                epoch: 1,
                sequence: sequence,
                value: $0
            )
        }
        return KafkaRecord(
            topic: "slipway.resource.changes",
            key: Array(kafkaKey.utf8),
            value: value,
            headers: [
                KafkaHeader("ce_specversion", "1.0"), KafkaHeader("ce_id", id), KafkaHeader("ce_source", source),
                KafkaHeader("ce_type", type), KafkaHeader("content-type", "application/json"),
                KafkaHeader("ce_epoch", "1"), KafkaHeader("ce_sequence", String(sequence)),
                KafkaHeader("ce_instance", instance), KafkaHeader(MessageSignature.header, key.sign(parts, keyID: 1)),
            ]
        )
    }

    static func deployment(_ namespace: String, _ name: String, _ instance: String, generation: Int64, ready: Int)
        -> String
    {
        """
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"\(name)","namespace":"\(namespace)",\
        "uid":"9f1c2f0e-0000-4000-8000-\(name)","generation":\(generation),"resourceVersion":"\(generation)",\
        "labels":{"slipway.io/instance":"\(instance)","slipway.io/generation":"1","app.kubernetes.io/name":"web"}},\
        "spec":{"replicas":2},"status":{"observedGeneration":\(generation),"replicas":2,"updatedReplicas":2,\
        "readyReplicas":\(ready),"availableReplicas":\(ready),"conditions":[{"type":"Available","status":"True"},\
        {"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable"}]}}
        """
    }
}
