/// The data of `slipway.release.published.v1`.
struct ReleasePublished: Decodable {
    let artifact: String
    let version: String
    let image: String?
    let digest: String?
    let chart: ChartReference?
    let values: String?
    let commit: String?
    let branch: String?
}

extension Release {
    init(_ published: ReleasePublished) throws {
        artifact = published.artifact
        version = published.version
        image = published.image
        digest = published.digest
        chart = published.chart
        values = published.values
        commit = published.commit
        branch = published.branch
        dropEmptyTexts()
        try check()
    }
}
