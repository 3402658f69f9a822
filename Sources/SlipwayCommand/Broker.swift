import ArgumentParser
import Dispatch
import Domain
import Foundation
import Kafka
import WorkerRuntime

struct Broker: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run an embedded broker for demos and tests: librdkafka's mock cluster.",
        discussion: """
            Prints its address and serves until SIGTERM. It keeps only the newest 5 MiB or 100,000 messages of a partition
            and loses everything when it ends: never use it for work that matters.

            With --control it reads lines from standard input that make it fail: 'errors <request> <code> <count>', \
            'clear <request>', 'delay <broker> <milliseconds>', 'down <broker>', 'up <broker>', \
            'leader <topic> <partition> <broker>', 'coordinator <group> <broker>'.
            """
    )

    @Option(help: "What topic names begin with [SLIPWAY_TOPIC_PREFIX, default 'slipway.'].")
    var topicPrefix: String?
    @Option(help: "The partitions of each topic.")
    var partitions = 4
    @Option(help: "A topic, without the prefix, with another number of them, as <topic>=<number>; may be repeated.")
    var partitionsOf: [String] = []
    @Option(help: "A cluster whose command topic is made; may be repeated.")
    var cluster: [String] = []
    @Option(help: "A file that the address is written to.")
    var addressFile: String?
    @Option(help: "How many brokers the cluster has.")
    var brokers = 1
    @Flag(help: "Take orders from standard input.")
    var control = false

    func validate() throws {
        guard (1...1000).contains(partitions) else {
            throw ValidationError("'--partitions \(partitions)' should be a number from 1 to 1000.")
        }
        guard (1...100).contains(brokers) else {
            throw ValidationError("'--brokers \(brokers)' should be a number from 1 to 100.")
        }
        _ = try others()
    }

    /// The topics with another number of partitions.
    private func others() throws -> [String: Int] {
        let known = Set(Topics.complete(clusters: cluster).map(\.name))
        return try partitionsOf.reduce(into: [:]) { numbers, text in
            let parts = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, known.contains(parts[0]), let number = Int(parts[1]), (1...1000).contains(number)
            else {
                throw ValidationError(
                    "'--partitions-of \(text)' should be a topic and a number from 1 to 1000, such as deployment.requests=8."
                )
            }
            numbers[parts[0]] = number
        }
    }

    func run() throws {
        let others = try others()
        let prefix = Settings(flags: ["TOPIC_PREFIX": topicPrefix]).topicPrefix
        let broker = try KafkaMockCluster(brokers: brokers)
        for topic in Topics.complete(clusters: cluster) {
            let number = others[topic.name] ?? (topic.partitions == 1 ? 1 : partitions)
            try broker.createTopic(prefix + topic.name, partitions: number)
        }
        if control { BrokerControl(broker: broker).start() }
        print(broker.bootstrapServers)
        if let addressFile {
            try Data((broker.bootstrapServers + "\n").utf8).write(to: URL(filePath: addressFile), options: .atomic)
        }
        Signals.wait()
        broker.close()
    }
}

/// Waits for SIGTERM or SIGINT.
enum Signals {
    /// Blocks the calling thread until the process is asked to end.
    static func wait() {
        let asked = DispatchSemaphore(value: 0)
        let sources = onEnd { asked.signal() }
        asked.wait()
        sources.forEach { $0.cancel() }
    }

    /// Calls when the process is asked to end, for as long as the sources are kept.
    static func onEnd(_ body: @escaping @Sendable () -> Void) -> [any DispatchSourceSignal] {
        [SIGTERM, SIGINT, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler(handler: body)
            source.resume()
            return source
        }
    }
}
