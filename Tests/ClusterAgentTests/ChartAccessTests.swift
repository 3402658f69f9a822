import Domain
import Foundation
import Sealing
import Testing

@testable import ClusterAgent

/// Where helm finds the credentials for a chart.
struct ChartAccessTests {
    @Test(arguments: [
        ("oci://registry.example/charts", ["registry.example"]),
        ("oci://docker.io/shop", ["docker.io", "https://index.docker.io/v1/"]),
        ("oci://registry-1.docker.io/shop", ["registry-1.docker.io", "https://index.docker.io/v1/"]),
        ("oci://index.docker.io/shop", ["index.docker.io", "https://index.docker.io/v1/"]),
    ])
    func `credentials stand where helm looks for them, for Docker Hub too`(repository: String, keys: [String]) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("access-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let chart = ChartReference(repository: repository, name: "web", version: nil)
        let secret = SecretBytes(utf8: #"{"username":"robot","password":"hunter2"}"#)
        _ = try ChartAccess(secret, to: chart).write(to: folder)
        let text = try String(contentsOf: folder.appendingPathComponent("registry.json"), encoding: .utf8)
        #expect(try ObjectValue(yaml: text)["auths"]?.members.map(\.name) == keys)
    }

    @Test(arguments: ["oci://registry.example/charts", "oci://registry.example/charts/"])
    func `a registry's chart is found whether or not its repository ends in a slash`(repository: String) {
        let chart = ChartReference(repository: repository, name: "web", version: "1.0.0")
        #expect(chart.place(nil) == ["oci://registry.example/charts/web", "--version", "1.0.0"])
    }
}
