import CloudEvents
import Domain
import Foundation
import JSON
import Kafka

/// Signed, numbered resource changes as an agent would send them: of many namespaces, instances and objects.
struct ResourceLoad {
    static let cluster = "bench"
    static let instancesPerNamespace = 5
    let key: SigningKey
    private let shape: Shape
    private let filling: String
    private var sequences: [Int64]
    private var made = 0

    /// What the messages are like.
    struct Shape {
        var namespaces = 96
        /// About the size of a value; the usual object, of 560 bytes, has no filling.
        var bytes = 560
        var novelty = Novelty.oneInTen

        /// How often an object is touched that was not touched before.
        enum Novelty {
            case oneInTen, allNew, allKnown
        }

        /// As many messages as the mock broker keeps of this size: 5 MiB of a partition.
        func most(of count: Int) -> Int { min(count, BenchWorld.partitions * 4_500_000 / (bytes + 600)) }
    }

    init(fleetKey: FleetKey, _ shape: Shape = Shape()) {
        key = fleetKey.clusterKey(Self.cluster, keyID: 1)
        self.shape = shape
        filling = shape.filling
        sequences = Array(repeating: 0, count: shape.namespaces)
    }

    static func namespace(_ number: Int) -> String { "bench-\(number)" }

    /// The next message: another namespace each time.
    mutating func next(object: Int? = nil) -> KafkaRecord {
        let namespace = made % shape.namespaces
        let place = made / shape.namespaces
        made += 1
        sequences[namespace] += 1
        let number = object ?? number(at: place)
        let instance = "app-\(number % Self.instancesPerNamespace)"
        return record(
            namespace: Self.namespace(namespace),
            name: "\(instance)-\(number)",
            instance: instance,
            sequence: sequences[namespace],
            ready: made % 3
        )
    }

    private func number(at place: Int) -> Int {
        switch shape.novelty {
        case .oneInTen: place % 10 == 0 ? place : place % 40
        case .allNew: place
        case .allKnown: place % 40
        }
    }

    private func record(namespace: String, name: String, instance: String, sequence: Int64, ready: Int) -> KafkaRecord {
        let value = Array(shape.object(namespace, name, instance, sequence, ready, filling: filling).utf8)
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
}

extension ResourceLoad.Shape {
    /// A Deployment; one of less than 500 bytes says only what its health is judged by.
    func object(
        _ namespace: String,
        _ name: String,
        _ instance: String,
        _ generation: Int64,
        _ ready: Int,
        filling: String = ""
    ) -> String {
        let isSmall = bytes < 500
        let labels = isSmall ? "" : #","slipway.io/generation":"1","app.kubernetes.io/name":"web""#
        let version = isSmall ? "" : #""resourceVersion":"\#(generation)","#
        let conditions =
            isSmall
            ? ""
            : #","conditions":[{"type":"Available","status":"True"},{"type":"Progressing","status":"True","#
                + #""reason":"NewReplicaSetAvailable"}]"#
        return """
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"\(name)","namespace":"\(namespace)",\
            "uid":"9f1c2f0e-0000-4000-8000-\(name)","generation":\(generation),\(version)\
            "labels":{"slipway.io/instance":"\(instance)"\(labels)}},\
            "spec":{"replicas":2\(filling)},"status":{"observedGeneration":\(generation),"replicas":2,"updatedReplicas":2,\
            "readyReplicas":\(ready),"availableReplicas":\(ready)\(conditions)}}
            """
    }

    /// Containers, as many as it takes to reach the size.
    var filling: String {
        let missing = bytes - object("bench-1", "app-1-1", "app-1", 1, 1).utf8.count
        guard missing > 100 else { return "" }
        let containers = (0..<(missing / 100)).map { number in
            #"{"name":"c-\#(number)","image":"registry.example/shop/web:1.4.2","ports":[{"containerPort":\#(8_000 + number)}]}"#
        }
        return #","template":{"spec":{"containers":[\#(containers.joined(separator: ","))]}}"#
    }
}
