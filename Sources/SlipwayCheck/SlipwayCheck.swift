import ArgumentParser
import Dispatch
import FleetCheck
import Foundation
import Kafka
import Postgres
import Synchronization

@main
struct SlipwayCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slipway-check",
        abstract: "Judges what became of a fleet, from outside: the topics, the database, and what was sent.",
        discussion: """
            It shares no code with the workers. 'observe' follows every topic while a run goes on; 'judge' says afterwards \
            whether the invariants I1 to I8 held, and which rare situations were seen.
            """,
        subcommands: [Observe.self, Judge.self]
    )
}

/// Where the fleet's topics are.
struct BrokerOptions: ParsableArguments {
    @Option(help: "The Kafka brokers.")
    var kafkaBrokers: String
    @Option(help: "What the names of the fleet's topics begin with.")
    var topicPrefix = "slipway."

    var settings: KafkaSettings {
        KafkaSettings(bootstrapServers: kafkaBrokers, properties: ["fetch.wait.max.ms": "50"])
    }
}

struct Observe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write down every message of every topic, until SIGTERM; then read on to the ends."
    )

    @OptionGroup var broker: BrokerOptions
    @Option(help: "The file that the messages are written to, as JSON lines.")
    var messages: String

    func run() throws {
        let isAsked = StopRequest()
        signal(SIGTERM, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
        source.setEventHandler { isAsked.set() }
        source.resume()
        let observer = try TopicObserver(broker.settings, prefix: broker.topicPrefix, path: messages)
        do {
            try observer.run { isAsked.isSet }
        } catch let error as UnreadableTopics {
            print(error)
            throw ExitCode(3)
        }
        print("\(observer.count) messages")
    }
}

/// Set once, by any thread.
final class StopRequest: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }

    func set() { value.store(true, ordering: .relaxed) }
}
