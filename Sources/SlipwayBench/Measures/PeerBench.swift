import Foundation
import Postgres
import WorkerRuntime

/// The same job by what a user could write instead, on the same messages; see `Benchmarks/peers`.
enum PeerBench {
    enum Peer: CaseIterable {
        /// Batches with the same SQL and a memory of what was written.
        case careful
        /// The same as two consumers of one group: the better of both counts.
        case carefulTwice
        /// A framework, as its documentation shows it: one transaction a message.
        case framework

        var name: String {
            switch self {
            case .careful: "careful"
            case .carefulTwice: "careful, 2 processes"
            case .framework: "with a framework"
            }
        }

        var program: String { self == .framework ? "framework.py" : "careful.py" }

        var processes: Int { self == .carefulTwice ? 2 : 1 }

        /// The part of the messages that it gets, and of the namespaces that they are of.
        ///
        /// One transaction a message takes dozens of times as long. Of n messages in a namespace a tenth and 36 are
        /// about objects that are new (``ResourceLoad/Shape/Novelty/oneInTen``): the share of new objects is Slipway's
        /// where n is Slipway's, so there are fewer namespaces and not fewer messages in each. A twelfth of 96 is one
        /// for each of the framework's subscribers; with fewer namespaces some would have nothing to do.
        var part: Int { self == .framework ? 12 : 1 }
    }

    private struct Report: Decodable {
        let consumed: Int
        let published: Int
        let seconds: Double
    }

    static func run(_ peer: Peer, count: Int) throws -> [Sample] {
        let folder = try folder()
        let python = try python()
        var shape = ResourceLoad.Shape()
        let count = shape.most(of: count) / peer.part
        shape.namespaces /= peer.part
        let world = try BenchWorld()
        try Backlog.produce(count, shape, world)
        let run = try world.run(
            python,
            ["\(folder)/\(peer.program)"],
            ["PEER_COUNT": String(count), "PEER_PROCESSES": String(peer.processes)]
        )
        let line = run.output.split(separator: "\n").last.map { Data($0.utf8) } ?? Data()
        guard run.code == 0, let report = try? JSONDecoder().decode(Report.self, from: line), report.consumed == count
        else { throw NotMeasured(sentence: "not measured: the peer '\(peer.name)' ended with code \(run.code).") }
        guard report.published > 0, try isStored(count, world) else {
            throw NotMeasured(sentence: "not measured: the peer '\(peer.name)' did not store what the messages say.")
        }
        let rate = Double(count) / report.seconds
        return [Sample("peer: Python, \(peer.name)", rate, "messages/s", picture: .throughput)]
    }

    /// Whether each stream was followed to its end without gaps, and each instance is what its objects add up to.
    ///
    /// The numbers of a stream begin at 1, so that the last ones of all streams add up to the number of messages.
    private static func isStored(_ count: Int, _ world: BenchWorld) throws -> Bool {
        try world.database.query(
            """
            select coalesce((select sum(sequence) = $1::bigint and sum(gaps) = 0 from resource_stream), false)
                and not exists (
                    select from instance i
                    cross join lateral (
                        select count(*) as objects,
                            min((r.kind || ' ' || r.name || coalesce(': ' || r.health_reason, '')) collate "C")
                                filter (where r.health <> 'healthy') as reason
                        from resource r
                        where r.cluster = i.cluster and r.namespace = i.namespace and r.instance = i.instance
                            and not r.gone
                    ) o
                    where i.objects <> o.objects or i.health_reason is distinct from o.reason collate "C"
                )
            """,
            [.int64(Int64(count))]
        ).only().bool(0)
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
