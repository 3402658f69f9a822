import CloudEvents
import Foundation
import Testing

/// Times to and from text.
struct RFC3339Tests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-23T08:00:00Z", 1_795_420_800_000_000),
            ("2026-11-23T08:00:00.123Z", 1_795_420_800_123_000),
            ("2026-11-23T08:00:00.123456789Z", 1_795_420_800_123_456),
            ("2026-11-23T09:30:00+01:30", 1_795_420_800_000_000), ("2026-11-23T00:00:00-08:00", 1_795_420_800_000_000),
            ("2026-11-23t08:00:00z", 1_795_420_800_000_000), ("2000-02-29T00:00:00Z", 951_782_400_000_000),
            ("1969-12-31T23:59:59.5Z", -500_000), ("0000-01-01T00:00:00Z", -62_167_219_200_000_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999), ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
            ("2026-11-23T08:00:00-00:00", 1_795_420_800_000_000),
        ] as [(String, Int64)]
    )
    func `a time becomes microseconds since 1970`(text: String, expected: Int64) {
        #expect(RFC3339.parse(text) == expected)
    }

    @Test(arguments: [
        "", "now", "2026-11-23", "2026-11-23T08:00:00", "2026-11-23 08:00:00Z", "2026-11-23T08:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-11-23T24:00:00Z", "2026-11-23T08:60:00Z", "2026-11-23T08:00:61Z", "2026-11-23T08:00:00.Z",
        "2026-11-23T08:00:00+0100", "2026-11-23T08:00:00+01", "2026-11-23T08:00:00+24:00", "2026-11-23T08:00:00+01:60",
        "2026-11-23T08:00:00ZZ", "2026-11-23T08:00:00Z ", " 2026-11-23T08:00:00Z", "2026-11-23T08:00:00.5",
        "26-11-23T08:00:00Z00",
        "２026-11-23T08:00:00Z", "2026-11-23T08:00:00.1234567890123456789012345678", "+026-11-23T08:00:00Z",
    ])
    func `what is no time is refused`(text: String) {
        #expect(RFC3339.parse(text) == nil)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_795_420_800_123_456, "2026-11-23T08:00:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (.max, "9999-12-31T23:59:59.999Z"), (.min, "0000-01-01T00:00:00.000Z"),
        ] as [(Int64, String)]
    )
    func `microseconds become a time of 24 characters`(microseconds: Int64, expected: String) {
        #expect(RFC3339.format(microseconds: microseconds) == expected)
    }

    // Foundation's calendar is the Julian one before October 1582, day -141,427.
    @Test func `each day of 780 years comes back, and Foundation agrees`() throws {
        let formatter = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for day in stride(from: Int64(-141_000), through: 144_000, by: 1) {
            let microseconds = day * 86_400_000_000 + 12_345_678_000
            let text = RFC3339.format(microseconds: microseconds)
            #expect(RFC3339.parse(text) == microseconds)
            guard day % 997 == 0 else { continue }
            let date = Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
            #expect(abs(try formatter.parse(text).timeIntervalSince(date)) < 0.0011)
        }
    }
}
