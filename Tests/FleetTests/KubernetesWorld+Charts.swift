import Foundation
import TestSupport

extension KubernetesWorld {
    /// Writes a chart into a folder of this world, and returns the folder.
    ///
    /// - Parameter templates: The templates by their names.
    func writeChart(_ name: String, values: String = "", templates: [String: String]) throws -> String {
        let folder = world.folder + "/" + name
        try FileManager.default.createDirectory(atPath: folder + "/templates", withIntermediateDirectories: true)
        var files = ["Chart.yaml": "apiVersion: v2\nname: \(name)\nversion: 1.0.0\n", "values.yaml": values]
        for (template, text) in templates { files["templates/\(template).yaml"] = text }
        for (file, text) in files { try text.write(toFile: "\(folder)/\(file)", atomically: true, encoding: .utf8) }
        return folder
    }
}
