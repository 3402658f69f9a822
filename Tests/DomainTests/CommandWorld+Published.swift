import Foundation
import Postgres

@testable import Domain
@testable import WorkerRuntime

/// A message that left for Kafka.
struct Published: Equatable {
    let topic: String
    let key: String
    let headers: [String: String]
    let value: [UInt8]

    var type: String { headers["ce_type"] ?? "" }
    var id: String { headers["ce_id"] ?? "" }

    /// A member of the data by its path, as text.
    subscript(_ path: String) -> String? {
        var found = try? JSONSerialization.jsonObject(with: Data(value))
        for name in path.split(separator: ".") { found = (found as? [String: Any])?[String(name)] }
        switch found {
        case nil, is NSNull: return nil
        case let list as [Any]: return list.map { "\($0)" }.joined(separator: " ")
        case let some?: return "\(some)"
        }
    }

    /// The type without what all types share: `sent`, `release_requested`.
    var name: String { type.split(separator: ".").dropLast().last.map(String.init) ?? type }
}

extension CommandWorld {
    /// What was published since the last call, in order; of one topic or of all.
    func published(_ topic: String? = nil) throws -> [Published] {
        let rows = try connection.query(
            """
            with taken as (delete from outbox returning id, content)
            select topic, convert_from(key, 'UTF8'), headers, value from taken, outbox_messages(content) order by id, place
            """
        )
        var messages: [Published] = []
        for row in rows {
            let headers = HeaderBytes.decode(try row.bytes(2)) ?? []
            messages.append(
                Published(
                    topic: try row.string(0),
                    key: try row.string(1),
                    headers: Dictionary(
                        headers.map { ($0.0, String(decoding: $0.1 ?? [], as: UTF8.self)) },
                        uniquingKeysWith: { $1 }
                    ),
                    value: try row.optionalBytes(3) ?? []
                )
            )
        }
        return messages.filter { topic == nil || $0.topic == topic }
    }

    /// The results that were published since the last look: state and revision.
    func results() throws -> [String] {
        try published("deployment.results").map { "\($0["state"] ?? "") \($0["revision"] ?? "")" }
    }
}
