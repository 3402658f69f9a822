import Dispatch
import Domain
import Foundation
import Sealing

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

    /// Renders a release's chart, hooks too; blocks until helm has ended, at most the limit for each of its runs.
    ///
    /// Values and credentials travel in files that only this user can read. Of what helm complains about, its last line
    /// is passed on.
    func render(
        _ chart: ChartReference,
        of request: ReleaseRequested,
        credentials: SecretBytes?
    ) throws(ManifestError) -> [ObjectValue] {
        let access = try credentials.map { secret throws(ManifestError) in try ChartAccess(secret, to: chart) }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("slipway-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            let owner: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false, attributes: owner)
            let values = folder.appendingPathComponent("values.yaml")
            try Data(request.values.utf8).write(to: values)
            let more = try access?.write(to: folder) ?? []
            if access?.isIndexed == true { _ = try run(["repo", "update"] + more, in: folder) }
            let arguments = arguments(chart, of: request, access) + more + ["--values", values.path]
            return try ObjectValue.documents(yaml: try run(arguments, in: folder))
        } catch let error as ManifestError {
            throw error
        } catch {
            throw ManifestError(sentence: "helm could not be run: \(error.localizedDescription)")
        }
    }

    private func arguments(_ chart: ChartReference, of request: ReleaseRequested, _ access: ChartAccess?) -> [String] {
        ["template", request.instance] + Self.place(of: chart, access) + ["--namespace", request.namespace]
    }

    /// The arguments that say which chart is meant.
    static func place(of chart: ChartReference, _ access: ChartAccess?) -> [String] {
        var arguments: [String] = []
        let repository = chart.repository ?? ""
        if access?.isIndexed == true {
            arguments.append("\(ChartAccess.repositoryName)/\(chart.name)")
        } else if repository.hasPrefix("https://") || repository.hasPrefix("http://") {
            arguments += [chart.name, "--repo", repository]
        } else {
            let folder = repository.hasPrefix("file://") ? String(repository.dropFirst("file://".count)) : repository
            arguments.append(folder.isEmpty ? chart.name : "\(folder)/\(chart.name)")
        }
        if let version = chart.version { arguments += ["--version", version] }
        return arguments
    }

    private func run(_ arguments: [String], in folder: URL) throws -> String {
        let (output, complaints) = (folder.appendingPathComponent("out"), folder.appendingPathComponent("err"))
        try Data().write(to: output)
        try Data().write(to: complaints)
        let status = try start(arguments, output: output, complaints: complaints)
        guard status == 0 else {
            let text = String(decoding: try Data(contentsOf: complaints).prefix(400), as: UTF8.self)
            let line = text.split(separator: "\n").last.map(String.init) ?? "it gave no reason"
            throw ManifestError(sentence: "helm could not render the chart (exit code \(status)): \(line)")
        }
        return String(decoding: try Data(contentsOf: output), as: UTF8.self)
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
