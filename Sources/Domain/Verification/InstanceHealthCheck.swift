import Postgres

/// Adds up the objects of all instances anew and compares that with what the instances say.
enum InstanceHealthCheck {
    /// What is stored of an instance, and what its objects are.
    private struct Sum {
        let subject: String
        let health: String
        let counts: [Int]
        var tallies: [ResourceTally] = []
    }

    static func breaches(_ connection: PostgresConnection) throws -> [Verification.Rule.Breach] {
        var sums: [Int64: Sum] = [:]
        for row in try connection.query(query) {
            let id = try row.int64(0)
            var sum =
                try sums[id]
                ?? Sum(
                    subject: try row.string(1),
                    health: try row.string(2),
                    counts: [try row.int(3), try row.int(4), try row.int(5)]
                )
            if let kind = try row.optionalString(6) {
                let health = Health(rawValue: try row.string(7)) ?? .unknown
                var tally = ResourceTally(kind: kind, health: health, count: try row.int(9), ready: try row.int(10))
                tally.isApart = try row.bool(8)
                sum.tallies.append(tally)
            }
            sums[id] = sum
        }
        let breaches = sums.values.compactMap { sum -> Verification.Rule.Breach? in
            let due = InstanceRollUp(sum.tallies)
            let counts = [due.podsReady, due.podsTotal, due.objects]
            guard due.assessment.health.rawValue != sum.health || counts != sum.counts else { return nil }
            return (
                sum.subject,
                "the objects say \(words(due.assessment.health.rawValue, counts)), "
                    + "the instance \(words(sum.health, sum.counts))"
            )
        }
        return Array(breaches.sorted { $0.subject < $1.subject }.prefix(Verification.mostTold))
    }

    private static func words(_ health: String, _ counts: [Int]) -> String {
        "\(health) with \(counts[0]) of \(counts[1]) pods and \(counts[2]) objects"
    }

    /// One statement, so that instances and objects are of one moment.
    ///
    /// Objects count from the first of them that changes in an instance's life: what a former life has left, as what helm
    /// keeps, is not added up before.
    private static let query = """
        select i.id, e.project || '/' || e.environment || '/' || i.instance, i.health, i.pods_ready, i.pods_total, i.objects,
            r.kind, r.health, \(ResourceStore.isApart) as is_apart, count(r.kind), count(*) filter (where r.ready)
        from instance i join environment e on e.id = i.environment_id
        left join resource r on r.cluster = i.cluster and r.namespace = i.namespace and r.instance = i.instance and not r.gone
        where i.state <> 'deleted' and not (i.health = 'missing' and i.objects = 0 and not exists (
            select from resource n
            where n.cluster = i.cluster and n.namespace = i.namespace and n.instance = i.instance and not n.gone
                and n.status_at > (
                    select c.created_at from command c where c.instance_id = i.id and c.generation = i.made_generation)))
        group by i.id, 2, 3, 4, 5, 6, 7, 8, 9
        """
}
