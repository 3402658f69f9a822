import Dispatch
import Domain
import Foundation

/// Renders charts with the `helm` program.
public struct HelmTemplate: Sendable {
    private let program: String
    private let limit: TimeInterval

    /// Finds helm on the search path; `nil` where there is none.
    ///
    /// - Parameter path: The folders to look in, separated by colons.
    public init?(path: String = ProcessInfo.processInfo.environment["PATH"] ?? "", limit: Duration = .seconds(60)) {
        let candidates = path.split(separator: ":").map { "\($0)/helm" }
        guard let found = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else { return nil }
        program = found
        self.limit = TimeInterval(limit.components.seconds)
    }

    /// Renders a release's chart; blocks until helm has ended, at most the limit.
    ///
    /// Values may hold secrets: they travel in a file that only this user can read. Of what helm complains about, its last
    /// line is passed on.
    func render(_ chart: ChartReference, of request: ReleaseRequested) throws(ManifestError) -> [ObjectValue] {
        let output = try run(arguments(chart, of: request), values: request.values)
        return try ObjectValue.documents(yaml: output).filter { !Manifest.isHook($0) }
    }

    private func arguments(_ chart: ChartReference, of request: ReleaseRequested) -> [String] {
        var arguments = ["template", request.instance]
        let repository = chart.repository ?? ""
        if repository.hasPrefix("https://") || repository.hasPrefix("http://") {
            arguments += [chart.name, "--repo", repository]
        } else {
            let folder = repository.hasPrefix("file://") ? String(repository.dropFirst("file://".count)) : repository
            arguments.append(folder.isEmpty ? chart.name : "\(folder)/\(chart.name)")
        }
        if let version = chart.version { arguments += ["--version", version] }
        return arguments + ["--namespace", request.namespace]
    }

    private func run(_ arguments: [String], values: String) throws(ManifestError) -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("slipway-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            let owner: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false, attributes: owner)
            let file = folder.appendingPathComponent("values.yaml")
            let (output, complaints) = (folder.appendingPathComponent("out"), folder.appendingPathComponent("err"))
            try Data(values.utf8).write(to: file)
            try Data().write(to: output)
            try Data().write(to: complaints)
            let status = try start(arguments + ["--values", file.path], output: output, complaints: complaints)
            guard status == 0 else {
                let text = String(decoding: try Data(contentsOf: complaints).prefix(400), as: UTF8.self)
                let line = text.split(separator: "\n").last.map(String.init) ?? "it gave no reason"
                throw ManifestError(sentence: "helm could not render the chart (exit code \(status)): \(line)")
            }
            return String(decoding: try Data(contentsOf: output), as: UTF8.self)
        } catch let error as ManifestError {
            throw error
        } catch {
            throw ManifestError(sentence: "helm could not be run: \(error.localizedDescription)")
        }
    }

    private func start(_ arguments: [String], output: URL, complaints: URL) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: complaints)
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        guard ended.wait(timeout: .now() + limit) == .success else {
            process.terminate()
            throw ManifestError(sentence: "helm did not end within \(Int(limit)) seconds.")
        }
        return process.terminationStatus
    }
}
