internal import Postgres
import WorkerRuntime

/// The versions that release events told of.
///
/// One version is one row, whoever tells of it and however often; `v1.4.2` and `1.4.2` are the same.
struct VersionStore {
    /// What became of a release.
    enum Recording {
        /// Nobody knew the version.
        case new
        /// It was known, and the event told more of it.
        case completed(ReleaseCompletion)
        /// It was known, and nothing is new.
        case known
        /// It was known with other content.
        case changed(Reason)
        /// The name is that of another repository.
        case another(Reason)
    }

    /// A version without the `v` that tags are often given, as `version_number` tells it in the database.
    static func number(_ version: String) -> Substring {
        guard version.first == "v" || version.first == "V", let next = version.dropFirst().first, next.isASCII,
            next.isNumber
        else { return version[...] }
        return version.dropFirst()
    }

    /// Records a release under its artifact's name.
    func record(
        _ release: Release,
        of input: ReleaseInput,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> Recording {
        if let reason = try refusal(of: release, in: transaction) { return .another(reason) }
        let inserted = try transaction.query(
            """
            insert into version (artifact, version, image, digest, chart_repository, chart_name, chart_version, "values",
                commit_id, branch, event_source, event_id, published_at, recorded_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            on conflict do nothing
            """,
            [
                .text(release.artifact), .text(release.version), .optionalText(release.image),
                .optionalText(release.digest), .optionalText(release.chart?.repository),
                .optionalText(release.chart?.name), .optionalText(release.chart?.version),
                .optionalText(release.values), .optionalText(release.commit), .optionalText(release.branch),
                .text(input.source), .text(input.id), .optionalTimestamp(release.publishedAt), .timestamp(now),
            ]
        )
        if inserted.affected == 1 { return .new }
        let stored = try stored(release, in: transaction)
        if let digest = release.digest, let known = stored.digest, digest != known {
            return .changed(
                Reason(
                    code: "version_changed",
                    sentence:
                        "Version \(release.version) of \(release.artifact) is known with another digest; "
                        + "publish a new version instead.",
                    field: "digest"
                )
            )
        }
        let completion = stored.completed(by: release)
        guard completion.isMore else { return .known }
        try update(completion.release, in: transaction)
        return .completed(completion)
    }

    /// Why a release is no version of its short name.
    ///
    /// What the version itself is known to run counts, and otherwise what the newest version that runs something does.
    /// Both are found by indexes, however many versions there are; see `V1051_newest_releases`.
    private func refusal(of release: Release, in transaction: borrowing PostgresTransaction) throws -> Reason? {
        guard !release.artifact.contains("/"), release.image != nil || RepositoryPath.of(chart: release.chart) != nil
        else { return nil }
        let newest = "order by version_rank(version) !~ '~$', version_rank(version) desc limit 1"
        let row = try transaction.query(
            """
            with own as (
                select image, chart_repository, chart_name from version
                where artifact = $1 and number = (select version_number($2))),
            image as (
                select coalesce(
                    (select nullif(image, '') from own),
                    (select image from version where artifact = $1 and image <> '' \(newest))) as known),
            chart as (
                select chart_repository, chart_name from (
                    (select 1 as place, chart_repository, chart_name from own
                    where chart_repository like 'oci://%' and chart_name is not null)
                    union all
                    (select 2, chart_repository, chart_name from version
                    where artifact = $1 and chart_repository like 'oci://%' and chart_name is not null
                    order by version_rank(version) desc limit 1)
                ) found
                order by place limit 1)
            select image.known, chart.chart_repository, chart.chart_name from image left join chart on true
            """,
            [.text(release.artifact), .text(release.version)]
        ).only()
        let repository = try row.optionalString(1)
        return release.refusal(
            knownImage: try row.optionalString(0),
            knownChart: try row.optionalString(2).map {
                ChartReference(repository: repository, name: $0, version: nil)
            }
        )
    }

    private func stored(_ release: Release, in transaction: borrowing PostgresTransaction) throws -> Release {
        let row = try transaction.query(
            """
            select version, image, digest, chart_repository, chart_name, chart_version, "values", commit_id, branch,
                published_at
            from version
            where artifact = $1 and number = version_number($2)
            for no key update
            """,
            [.text(release.artifact), .text(release.version)]
        ).only()
        let repository = try row.optionalString(3)
        let chartVersion = try row.optionalString(5)
        var known = Release(
            artifact: release.artifact,
            version: try row.string(0),
            image: try row.optionalString(1),
            digest: try row.optionalString(2),
            chart: try row.optionalString(4).map {
                ChartReference(repository: repository, name: $0, version: chartVersion)
            },
            values: try row.optionalString(6),
            commit: try row.optionalString(7),
            branch: try row.optionalString(8),
            publishedAt: try row.optionalTimestamp(9)
        )
        // Older workers stored them.
        known.dropEmptyTexts()
        return known
    }

    private func update(_ release: Release, in transaction: borrowing PostgresTransaction) throws {
        try transaction.submit(
            """
            update version set image = $3, digest = $4, chart_repository = $5, chart_name = $6, chart_version = $7,
                "values" = $8, commit_id = $9, branch = $10, published_at = $11
            where artifact = $1 and version = $2
            """,
            [
                .text(release.artifact), .text(release.version), .optionalText(release.image),
                .optionalText(release.digest), .optionalText(release.chart?.repository),
                .optionalText(release.chart?.name), .optionalText(release.chart?.version),
                .optionalText(release.values), .optionalText(release.commit), .optionalText(release.branch),
                .optionalTimestamp(release.publishedAt),
            ]
        )
    }
}
