import Domain
import WorkerRuntime

/// Changes of made-up objects, one after another, that repeat with their seed: for load and benchmarks.
///
/// Pods and Deployments of many instances turn from progressing to ready and back, with the bodies and labels that
/// real ones have.
public struct ResourceLoad: Sendable {
    /// About how many bytes an object has.
    public enum Size: Int, Sendable, CaseIterable {
        /// About 300 bytes.
        case small = 300
        /// About 600 bytes.
        case medium = 600
        /// About 1,000 bytes.
        case large = 1000
    }

    /// One change.
    public struct Change: Sendable, Hashable {
        /// The namespace of the object.
        public var namespace: String
        /// The instance that it belongs to.
        public var instance: String
        /// The object as JSON.
        public var data: [UInt8]
    }

    private let namespaces: Int
    private let instances: Int
    private let sizes: [Size]
    private let repeatPercent: Double
    private var random: SeededRandom
    private var count = 0
    private var isReady: [Bool]
    private var latest: Change?

    /// Describes a load.
    ///
    /// - Parameters:
    ///   - seed: What it varies by.
    ///   - instances: How many instances change.
    ///   - namespaces: Over how many namespaces they are spread; streams are numbered per namespace.
    ///   - sizes: The sizes of objects, each as often as it is listed.
    ///   - repeatPercent: How many changes in a hundred say again what the one before said.
    public init(
        seed: UInt64 = 1,
        instances: Int,
        namespaces: Int = 8,
        sizes: [Size] = [.small, .medium, .large],
        repeatPercent: Double = 0
    ) {
        self.namespaces = max(1, namespaces)
        self.instances = max(1, instances)
        self.sizes = sizes.isEmpty ? [.medium] : sizes
        self.repeatPercent = repeatPercent
        random = SeededRandom(seed: seed)
        isReady = Array(repeating: false, count: max(1, instances))
    }

    /// The namespace of an instance by its number, from 0.
    public func namespace(of number: Int) -> String { "load-\(number % namespaces)" }

    /// The name of an instance by its number, from 0.
    public func instance(_ number: Int) -> String { "load-\(number)" }

    /// The next change.
    public mutating func next() -> Change {
        if let latest, random.happens(percent: repeatPercent) { return latest }
        count += 1
        let number = Int.random(in: 0..<instances, using: &random)
        let isPod = Bool.random(using: &random)
        isReady[number].toggle()
        let size = sizes[count % sizes.count]
        let object = isPod ? pod(number) : deployment(number)
        let change = Change(
            namespace: namespace(of: number),
            instance: instance(number),
            data: Self.padded(object, to: size.rawValue)
        )
        latest = change
        return change
    }

    private func metadata(_ number: Int, kind: String) -> ObjectValue {
        let uid = StableHash.of("\(kind)/\(number)")
        let digits = String(uid, radix: 16)
        return [
            "name": .string(instance(number)), "namespace": .string(namespace(of: number)),
            "uid": .string("00000000-0000-4000-8000-\(digits)"), "resourceVersion": .string(String(1000 + count)),
            "generation": 1, "labels": [Label.instance: .string(instance(number)), Label.generation: "1"],
        ]
    }

    private func deployment(_ number: Int) -> ObjectValue {
        var status: ObjectValue = ["observedGeneration": 1, "replicas": 2, "updatedReplicas": 2]
        status["availableReplicas"] = isReady[number] ? 2 : 1
        return [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(number, kind: "Deployment"),
            "spec": ["replicas": 2], "status": status,
        ]
    }

    private func pod(_ number: Int) -> ObjectValue {
        let ready: ObjectValue = ["type": "Ready", "status": isReady[number] ? "True" : "False"]
        return [
            "apiVersion": "v1", "kind": "Pod", "metadata": metadata(number, kind: "Pod"),
            "spec": ["restartPolicy": "Always"], "status": ["phase": "Running", "conditions": [ready]],
        ]
    }

    /// Fills an object up with an annotation, as charts do with check sums.
    private static func padded(_ object: ObjectValue, to size: Int) -> [UInt8] {
        let missing = size - object.json.count - 24
        guard missing > 0, var metadata = object["metadata"] else { return object.json }
        metadata["annotations"] = ["note": .string(String(repeating: "x", count: missing))]
        var filled = object
        filled["metadata"] = metadata
        return filled.json
    }
}
