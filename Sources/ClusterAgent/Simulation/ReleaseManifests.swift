import Domain
import Sealing

/// The objects that a release consists of, as the API server is given them.
struct ReleaseManifests: Sendable {
    var objects: [ObjectValue]
    /// What helm runs beside: no part of what stays.
    var hooks: [Hook]

    /// Renders the chart that the command names where helm is at hand, else writes a plain Deployment and Service.
    init(
        _ request: ReleaseRequested,
        values: ObjectValue,
        helm: HelmTemplate?,
        credentials: SecretBytes?
    ) throws(ManifestError) {
        guard let helm, let chart = request.chart else {
            // Of a chart that nobody renders here, its values may name the image.
            let image = request.image ?? "\(request.application):\(request.version)"
            objects = PlainRelease.objects(request, image: image, values: values)
            hooks = []
            return
        }
        let rendered = try helm.render(chart, of: request, credentials: credentials)
        objects = rendered.filter { !$0.isHook }
        hooks = rendered.filter(\.isHook).map { Hook($0) }
    }
}
