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
        /// How many objects of a namespace are touched again and again.
        var known = 40
        /// Whether the second half of a backlog is the first once more: the same messages, to the byte.
        var isSentTwice = false

        /// How often an object is touched that was not touched before.
        enum Novelty {
            case oneInTen, allNew, allKnown
        }

        /// As many messages as the mock broker keeps of this size: 5 MiB of a partition.
        func most(of count: Int) -> Int {
            min(count, min(BenchWorld.partitions, namespaces) * 4_500_000 / (bytes + 600))
        }

        /// The number of the object that a namespace's message is about, by its place among them.
        func number(at place: Int) -> Int {
            switch novelty {
            case .oneInTen: place % 10 == 0 ? place : place % known
            case .allNew: place
            case .allKnown: place % known
            }
        }

        /// The partition of a message, by its place among all; a namespace stays in one.
        ///
        /// Evenly, because the mock broker forgets what is over 5 MiB of a partition.
        func partition(at place: Int) -> Int32 { Int32(place % namespaces % BenchWorld.partitions) }
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
        let partition = shape.partition(at: made)
        made += 1
        sequences[namespace] += 1
        let number = object ?? shape.number(at: place)
        let instance = "app-\(number % Self.instancesPerNamespace)"
        let name = "\(instance)-\(number)"
        let sequence = sequences[namespace]
        let value = shape.object(Self.namespace(namespace), name, instance, sequence, made % 3, filling: filling)
        return signed(value, namespace: namespace, instance: instance, partition: partition)
    }

    /// What an agent says of a namespace that it lists anew: objects as they have been all the time, and the end.
    mutating func snapshot(of namespace: Int, objects: Int) -> [KafkaRecord] {
        let partition = shape.partition(at: namespace)
        let began = sequences[namespace] + 1
        let records = (0..<objects).map { number in
            let instance = "app-\(number % Self.instancesPerNamespace)"
            let name = "\(instance)-\(number)"
            sequences[namespace] += 1
            let value = shape.object(Self.namespace(namespace), name, instance, 1, 2, filling: filling)
            return signed(value, namespace: namespace, instance: instance, partition: partition)
        }
        sequences[namespace] += 1
        let end = #"{"kind":"Deployment","apiVersion":"apps/v1","began":\#(began),"count":\#(objects)}"#
        return records + [signed(end, type: .snapshotEnded, namespace: namespace, instance: nil, partition: partition)]
    }

    private enum EventType: String {
        case changed = "slipway.resource.changed.v1"
        case snapshotEnded = "slipway.resource.snapshot_ended.v1"
    }

    /// The newest message of a namespace, as its agent signs it.
    private func signed(
        _ text: String,
        type: EventType = .changed,
        namespace: Int,
        instance: String?,
        partition: Int32
    ) -> KafkaRecord {
        let (value, sequence) = (Array(text.utf8), sequences[namespace])
        let kafkaKey = "\(Self.cluster)/\(Self.namespace(namespace))"
        let id = "\(Self.namespace(namespace))-\(sequence)"
        let source = "/clusters/\(Self.cluster)/agent"
        let parts = value.withUnsafeBytes {
            SignedParts(
                .fromAgent,
                topic: "resource.changes",
                key: kafkaKey,
                type: type.rawValue,
                source: source,
                id: id,
                subject: nil,
                time: nil,
                epoch: 1,
                sequence: sequence,
                value: $0
            )
        }
        let headers = [
            KafkaHeader("ce_specversion", "1.0"), KafkaHeader("ce_id", id), KafkaHeader("ce_source", source),
            KafkaHeader("ce_type", type.rawValue), KafkaHeader("content-type", "application/json"),
            KafkaHeader("ce_epoch", "1"), KafkaHeader("ce_sequence", String(sequence)),
        ]
        return KafkaRecord(
            topic: "slipway.resource.changes",
            partition: partition,
            key: Array(kafkaKey.utf8),
            value: value,
            headers: headers + (instance.map { [KafkaHeader("ce_instance", $0)] } ?? [])
                + [KafkaHeader(MessageSignature.header, key.sign(parts, keyID: 1))]
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
