import Foundation
import TestSupport
import Testing

/// Each worker explains itself, says what it is when it starts, answers orchestrators and Prometheus, and ends cleanly.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct WorkerPagesTests {
    @Test(arguments: EndToEndTests.workers + ["cluster-agent", "slipway"])
    func `a program explains itself`(name: String) throws {
        let world = try FleetWorld(topics: [])
        let help = try world.start(name, ["--help"])
        #expect(try help.exitCode() == 0)
        #expect(help.output.contains("OVERVIEW: ") && help.output.contains("USAGE: \(name)"))
        let wrong = try world.start(name, ["--no-such-flag"])
        #expect(try wrong.exitCode() == 64)
        #expect(wrong.output.contains("--no-such-flag"))
    }

    @Test(arguments: [
        ("SLIPWAY_LANES", "99999"), ("SLIPWAY_STALL_SECONDS", "4"), ("SLIPWAY_STALL_SECONDS", "99999"),
        ("SLIPWAY_HTTP_PORT", "99999"),
    ])
    func `a worker that does not start for how it is set has never been there`(setting: String, value: String) throws {
        let world = try FleetWorld(topics: EndToEndTests.topics)
        world.environment[setting] = value
        let worker = try world.start("deployment-worker")
        #expect(try worker.exitCode() == 1)
        #expect(worker.output.contains("\(setting) is '\(value)'"), "\(worker.output)")
        #expect(try world.number("select count(*) from worker") == 0)
    }

    /// A stall that is shorter than what slow brokers and databases may take would end living workers.
    @Test func `a worker that may stand still for less than makes sense starts all the same, and says so`() throws {
        let world = try FleetWorld(topics: EndToEndTests.topics)
        let worker = try world.start("timekeeper", [], ["SLIPWAY_STALL_SECONDS": "10"])
        _ = try eventually("its start", within: .seconds(60)) { worker.output.contains("started: ") ? true : nil }
        #expect(worker.output.contains("SLIPWAY_STALL_SECONDS is 10 and counts as 60"), "\(worker.output)")
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
    }

    @Test(.enabled(if: (try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8))?.isEmpty == false))
    func `a worker is looked at by either kind of address where it serves both`() throws {
        let world = try FleetWorld(topics: EndToEndTests.topics)
        let port = try WebPage.freePort()
        let worker = try world.start("timekeeper", ["--http-port", "\(port)"], ["SLIPWAY_HTTP_HOST": "::"])
        _ = try eventually("readiness", within: .seconds(60)) {
            try WebPage.get(port: port, "/readyz") == WebPage(status: 200, body: "ready\n") ? true : nil
        }
        #expect(try WebPage.overIPv6(port: port, "/readyz").hasPrefix("HTTP/1.1 200 "))
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
    }

    @Test func `a worker whose host is no address does not start`() throws {
        let world = try FleetWorld(topics: EndToEndTests.topics)
        let worker = try world.start("timekeeper", ["--http-port", "8080"], ["SLIPWAY_HTTP_HOST": "here"])
        #expect(try worker.exitCode() == 1)
        #expect(worker.output.contains("SLIPWAY_HTTP_HOST is 'here'"), "\(worker.output)")
        #expect(try world.number("select count(*) from worker") == 0)
    }

    @Test(arguments: EndToEndTests.workers)
    func `a worker says what it is, is alive and ready, counts, and ends cleanly`(name: String) throws {
        let world = try FleetWorld(topics: EndToEndTests.topics)
        let port = try WebPage.freePort()
        let worker = try world.start(name, ["--http-port", "\(port)"])
        _ = try eventually("readiness", within: .seconds(60)) {
            try WebPage.get(port: port, "/readyz") == WebPage(status: 200, body: "ready\n") ? true : nil
        }
        #expect(try WebPage.get(port: port, "/livez") == WebPage(status: 200, body: "alive\n"))
        // A worker is ready before it has counted anything.
        _ = try eventually("a metric") {
            let metrics = try WebPage.get(port: port, "/metrics")
            return metrics.status == 200 && metrics.body.contains("slipway_") ? true : nil
        }
        let first = worker.output.split(separator: "\n").first ?? ""
        #expect(first.contains(name), "\(first)")
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
    }
}
