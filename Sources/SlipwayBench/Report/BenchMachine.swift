import Foundation
import Processes

/// What figures were measured on: the machine, and the versions of all that takes part.
struct BenchMachine: Encodable {
    let processor: String
    let cores: Int
    let memoryMebibytes: Int
    let kernel: String
    /// What the system calls itself.
    let system: String
    let postgres: String
    /// How the server differs from its defaults.
    let postgresSettings: String
    let librdkafka: String
    let swift: String
    /// The commit, and whether something was changed since.
    let commit: String
    /// Python and the packages that the peers name.
    let peers: String

    init() {
        let process = ProcessInfo.processInfo
        processor = Self.value(of: "model name", in: "/proc/cpuinfo", separator: ":")
        cores = process.activeProcessorCount
        memoryMebibytes = Int(process.physicalMemory >> 20)
        kernel = Self.firstLine(of: ["uname", "-sr"])
        system = Self.value(of: "PRETTY_NAME", in: "/etc/os-release", separator: "=")
        postgres = "PostgreSQL \(BenchWorld.serverVersion ?? Self.unknown)"
        let settings = BenchWorld.postgres.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        postgresSettings = (["fsync=on", "synchronous_commit=on"] + settings).joined(separator: ", ")
        librdkafka = Self.firstLine(of: ["pkg-config", "--modversion", "rdkafka"])
        swift = Self.firstLine(of: ["swift", "--version"])
        let changed = Self.output(of: ["git", "status", "--porcelain", "--untracked-files=no"])
        let head = Self.firstLine(of: ["git", "rev-parse", "--short", "HEAD"])
        commit = changed.isEmpty ? head : "\(head), changed since"
        let packages = (try? String(contentsOfFile: "Benchmarks/peers/requirements.txt", encoding: .utf8)) ?? ""
        let named = ["asyncpg", "confluent-kafka", "faststream", "orjson", "psycopg"]
        let versions = packages.split(separator: "\n").filter { line in named.contains { line.hasPrefix("\($0)==") } }
        let python = Self.firstLine(of: [".build/peers/bin/python", "--version"])
        peers = ([python] + versions.map { String($0).replacing("==", with: " ") }).joined(separator: ", ")
    }

    /// The same for people.
    var lines: [String] {
        [
            "\(cores) cores, \(processor), \(memoryMebibytes) MiB; \(system), \(kernel)",
            "\(postgres) with \(postgresSettings)",
            "librdkafka \(librdkafka), whose mock cluster is the broker; \(swift)",
            "peers: \(peers)",
            "commit \(commit)",
        ]
    }

    private static let unknown = "unknown"

    private static func value(of name: String, in file: String, separator: Character) -> String {
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        let value = line?.split(separator: separator, maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
        return value?.replacing("\"", with: "") ?? unknown
    }

    private static func firstLine(of command: [String]) -> String {
        output(of: command).split(separator: "\n").first.map(String.init) ?? unknown
    }

    private static func output(of command: [String]) -> String {
        let found = try? ChildProcess.output(of: ["/usr/bin/env"] + command, errors: .null)
        return String(decoding: found?.bytes ?? [], as: UTF8.self)
    }
}
