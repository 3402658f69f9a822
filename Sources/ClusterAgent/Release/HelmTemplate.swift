import Domain
import Foundation
import Sealing

/// Renders charts with the `helm` program.
public struct HelmTemplate: Sendable {
    private let program: String
    private let limit: Duration

    /// Finds helm on the search path; `nil` where there is none.
    ///
    /// - Parameter path: The folders to look in, separated by colons.
    public init?(path: String = ProcessInfo.processInfo.environment["PATH"] ?? "", limit: Duration = .seconds(60)) {
        guard let found = HelmLookup.find(on: path) else { return nil }
        (program, self.limit) = (found, limit)
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
            return try RenderedYAML.objects(try run(arguments, in: folder))
        } catch let error as ManifestError {
            throw error
        } catch {
            throw ManifestError(sentence: "helm could not be run: \(error.whyNotRun)")
        }
    }

    private func arguments(_ chart: ChartReference, of request: ReleaseRequested, _ access: ChartAccess?) -> [String] {
        ["template", request.instance] + chart.place(access) + ["--namespace", request.namespace]
    }

    private func run(_ arguments: [String], in folder: URL) throws -> String {
        let end = try HelmRun(helm: program, limit: limit).run(arguments, in: folder)
        guard end.isGood else {
            let line = end.complaint.split(separator: "\n").last.map { String($0.prefix(400)) } ?? "it gave no reason"
            throw ManifestError(sentence: "helm could not render the chart (exit code \(end.code)): \(line)")
        }
        return String(decoding: end.output, as: UTF8.self)
    }
}
