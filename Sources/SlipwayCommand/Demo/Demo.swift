import ArgumentParser
import Foundation

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the whole fleet on this machine and show how a release event becomes a running instance.",
        discussion: """
            Starts an embedded PostgreSQL and an embedded broker in folders of their own, the fleet as separate processes and
            a simulated cluster; publishes a CDEvents artifact.published event; follows it; then tours what else can be done.
            Leaves nothing behind.
            """
    )

    @Flag(help: "End after the tour: exit code 0, or 1 with the reason when the instance does not run.")
    var once = false
    @Option(help: "How many of each worker.")
    var scale = 1
    @Option(help: "How many seconds the instance may take to run.")
    var limit = 120
    @Option(help: "A failure that the simulated cluster plays: imagePull, crashLoop or neverReady.")
    var failure: String?

    func validate() throws {
        guard (1...16).contains(scale) else {
            throw ValidationError("'--scale \(scale)' should be a number from 1 to 16.")
        }
        guard limit > 0 else { throw ValidationError("'--limit \(limit)' should be a number of seconds, at least 1.") }
    }

    func run() throws {
        let terminal = Terminal()
        let world = try DemoWorld(terminal: terminal)
        let stop = DemoStop()
        let sources = Signals.onEnd { stop.request() }
        defer {
            world.end()
            sources.forEach { $0.cancel() }
        }
        do {
            try world.start(scale: scale, stop: stop)
            let story = DemoStory(world: world, terminal: terminal, stop: stop, limit: .seconds(limit))
            let requests = try DemoRequests(world: world, terminal: terminal, stop: stop, limit: .seconds(limit))
            defer { requests.close() }
            try story.prepare(requests, failure: failure)
            let isRunning = try story.release("1.4.2")
            if isRunning { try DemoTour(world: world, requests: requests, terminal: terminal).run() }
            if once {
                guard isRunning else { throw ExitCode(1) }
                return
            }
            world.showWhatNext()
            stop.wait()
            terminal.line("stopping the fleet")
        } catch is DemoStop.Requested {
            terminal.line("\nstopped")
        }
    }
}

/// Tells that the demo should end.
final class DemoStop: Sendable {
    struct Requested: Error {}
    private let asked = DispatchSemaphore(value: 0)
    private let flag = LockedFlag()

    func request() {
        flag.set()
        asked.signal()
    }

    func check() throws {
        if flag.isSet { throw Requested() }
    }

    func wait() {
        asked.wait()
    }
}
