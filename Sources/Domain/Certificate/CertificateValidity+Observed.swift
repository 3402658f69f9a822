internal import CloudEvents
import Foundation
import Postgres

extension CertificateValidity {
    /// From when to when an object's certificate holds: of an uploaded one as it says itself, of a requested one as
    /// cert-manager says in its cluster; `nil` for what is no certificate or not issued.
    ///
    /// Without days to warn: those are the timekeeper's to judge.
    static func observed(of object: EnvironmentObject, in transaction: borrowing PostgresTransaction) throws
        -> CertificateValidity?
    {
        guard object.concept == .certificate else { return nil }
        let stored = try object.decode(StoredCertificate.self)
        if let chain = stored.chain {
            var validity = try CertificateChain(pem: chain).validity
            validity.warningDays = 0
            return validity
        }
        let row = try transaction.query(
            """
            select r.object #>> '{status,notBefore}', r.object #>> '{status,notAfter}'
            from environment_object o
            join environment e on e.id = o.environment_id
            join resource r on r.cluster = e.cluster and r.namespace = e.namespace and r.kind = 'Certificate'
                and r.name = o.name and not r.gone
            where o.id = $1 and r.health = 'healthy'
            """,
            [.int64(object.id)]
        ).first
        guard let row, let begin = try row.optionalString(0).flatMap(RFC3339.parse),
            let end = try row.optionalString(1).flatMap(RFC3339.parse)
        else { return nil }
        return CertificateValidity(notBefore: begin, notAfter: end, warningDays: 0)
    }

    /// The end as the cluster says it, word for word, so that what was looked at is known again.
    static func seenEnd(of object: EnvironmentObject, in transaction: borrowing PostgresTransaction) throws -> String? {
        try transaction.query(
            """
            select r.object #>> '{status,notAfter}'
            from environment_object o
            join environment e on e.id = o.environment_id
            join resource r on r.cluster = e.cluster and r.namespace = e.namespace and r.kind = 'Certificate'
                and r.name = o.name and not r.gone
            where o.id = $1 and o.spec -> 'chain' is null and r.health = 'healthy'
            """,
            [.int64(object.id)]
        ).first?.optionalString(0)
    }
}
