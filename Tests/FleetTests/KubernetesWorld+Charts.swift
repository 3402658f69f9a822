import Foundation
import TestSupport

extension KubernetesWorld {
    /// A template of a Deployment that is named as its release.
    ///
    /// - Parameter pod: One more field of its pods, such as a service account.
    static func deployment(_ pod: String = "hostname: web") -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: {{ .Release.Name }}}
        spec:
          selector: {matchLabels: {app: {{ .Release.Name }}}}
          template:
            metadata: {labels: {app: {{ .Release.Name }}}}
            spec:
              \(pod)
              containers: [{name: web, image: "r.example/shop/web:1.0.0"}]
        """
    }

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
