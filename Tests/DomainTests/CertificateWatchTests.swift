import Foundation
import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Which certificates the timekeeper looks at.
@Suite struct CertificateWatchTests {
    let orders: CertificateRequestTests
    private var world: CommandWorld { orders.world }

    init() throws { orders = try CertificateRequestTests() }

    @Test func `an order is seen as issued however many others wait`() throws {
        try world.ask("certificate.request", CertificateRequestTests.order)
        try world.applied(CertificateRequestTests.applied)
        try world.connection.script(
            """
            insert into command
            select (jsonb_populate_record(c, jsonb_build_object(
                'id', '00000000-0000-0000-0000-' || lpad(n::text, 12, '0'), 'subject_name', 'other-' || n))).*
            from command c, generate_series(1, 450) n where c.operation = 'certificate.request';
            insert into resource (cluster, namespace, kind, name, api_version, uid, epoch, sequence, health, object,
                changed_at)
            select 'c1', 'shop-staging', 'Certificate', 'other-' || n, 'cert-manager.io/v1', 'u' || n, 1, 1,
                'progressing', '{"status":{}}', now()
            from generate_series(1, 450) n
            """
        )
        try orders.show("healthy", from: CertificateRequestTests.days(0), to: CertificateRequestTests.days(90))
        #expect(try CertificateWatch(warningDays: 21, duties: RoundDuties()).round(on: world.connection))
        let seen = "select string_agg(subject_name, ' ') from command where healthy_since is not null"
        #expect(try world.text(seen) == "shop")
    }

    @Test(arguments: ["days", "a quarter of its life"])
    func `a day has 24 hours, also where the clocks are changed before the certificate ends`(limit: String) throws {
        try orders.issued()
        try world.connection.script("set timezone to 'Europe/Berlin'; delete from resource")
        // So many days before the end, one of them of 23 hours: by the calendar they begin an hour later.
        let days = try world.connection.query(
            """
            select n::bigint from generate_series(1, 400) n
            where now() + n * interval '24 hours' - n * interval '1 day' > now() order by n limit 1
            """
        ).only().int64(0)
        let (warning, life) = limit == "days" ? (days, 40 * days) : (10 * days, 4 * days)
        let look = CertificateWatch(warningDays: Int(warning), duties: RoundDuties())
        func move(_ minutes: Int) throws -> String? {
            try world.connection.script(
                """
                update environment_object
                set not_after = now() + \(days) * interval '24 hours' - interval '\(minutes) minutes',
                    not_before = now() + \(days - life) * interval '24 hours' - interval '\(minutes) minutes'
                """
            )
            _ = try look.round(on: world.connection)
            return try world.text("select state from environment_object")
        }
        #expect(try move(-30) == "active")
        #expect(try move(30) == "expiring")
    }
}
