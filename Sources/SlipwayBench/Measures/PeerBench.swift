import Foundation
import Postgres
import WorkerRuntime

/// The same job by what a user could write instead, on the same messages; see `Benchmarks/peers`.
enum PeerBench {
    enum Peer: String, CaseIterable {
        /// Batches with the same SQL.
        case careful
        /// A framework, as its documentation shows it: one transaction a message.
        case framework
    }

    private struct Report: Decodable {
        let consumed: Int
        let published: Int
        let seconds: Double
    }

    static func run(_ peer: Peer, count: Int) throws -> [Sample] {
        let folder = try folder()
        let python = try python()
        // One transaction a message takes twenty times as long.
        let count = peer == .framework ? count / 20 : count
        let world = try BenchWorld()
        try Backlog.produce(count, ResourceLoad.Shape(), world)
        let run = try world.run(python, [folder + "/\(peer.rawValue).py"], ["PEER_COUNT": String(count)])
        let line = run.output.split(separator: "\n").last.map { Data($0.utf8) } ?? Data()
        guard run.code == 0, let report = try? JSONDecoder().decode(Report.self, from: line), report.consumed == count
        else { throw NotMeasured(sentence: "not measured: the peer '\(peer.rawValue)' ended with code \(run.code).") }
        let stored = try world.database.query("select count(*) from resource").only().int64(0)
        guard stored > 0, report.published > 0 else {
            throw NotMeasured(sentence: "not measured: the peer '\(peer.rawValue)' stored or published nothing.")
        }
        return [
            Sample(
                "peer: Python, \(peer == .careful ? "careful" : "with a framework")",
                Double(count) / report.seconds,
                "messages/s",
                picture: .throughput
            )
        ]
    }

    /// Where the peers lie: below the folder that the benchmark is run in.
    private static func folder() throws -> String {
        let folder = FileManager.default.currentDirectoryPath + "/Benchmarks/peers"
        guard FileManager.default.fileExists(atPath: folder + "/job.py") else {
            throw NotMeasured(sentence: "not measured: the peers; run slipway-bench in the repository's folder.")
        }
        return folder
    }

    private static func python() throws -> String {
        let path = ProcessInfo.processInfo.environment["SLIPWAY_PEERS_PYTHON"] ?? ".build/peers/bin/python"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw NotMeasured(sentence: "not measured: the peers; scripts/setup-peers makes their Python environment.")
        }
        return path
    }
}
