import Foundation

/// Points in time as every answer tells them: RFC 3339 in UTC, whatever the time zone of database and terminal.
enum Instant {
    /// The SQL for the text of a column; null where the column is.
    static func text(_ column: String) -> String {
        "to_char(\(column) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
    }

    /// The text for people: of today, in UTC, only the time of day.
    static func short(_ text: String, now: Date = .now) -> String {
        let today = now.formatted(.iso8601.year().month().day()) + "T"
        return text.hasPrefix(today) ? String(text.dropFirst(today.count).dropLast()) : text
    }
}
