import Foundation
import Postgres

/// What was seen, so that a message that comes again changes nothing.
struct Inbox {
    /// How far back it remembers.
    let reach: Duration

    /// Remembers the new ones and marks each entry with what the inbox says of it.
    ///
    /// Ids are inserted in one order, so that lanes which meet the same ids do not deadlock.
    func admit<Input>(
        _ entries: [(Entry<Input>, InboxKey)],
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws {
        let oldest = now / 1000 - reach.milliseconds
        var fresh: [(Entry<Input>, InboxKey)] = []
        for (entry, key) in entries {
            if entry.message.isBrokerTime, entry.message.timestampMilliseconds < oldest {
                entry.remembered = .tooOld
            } else {
                fresh.append((entry, key))
            }
        }
        fresh = Self.markRepeatsWithin(fresh)
        guard !fresh.isEmpty else { return }
        let inserted = try insert(fresh.map(\.1), in: transaction)
        let known = fresh.filter { !inserted.contains($0.1.requestID) }
        guard !known.isEmpty else { return }
        let rows = try transaction.query(
            "select id, digest, answer from inbox where id = any($1)",
            [.array(.uuids(known.map(\.1.requestID)))]
        )
        var remembered: [UUID: (digest: [UInt8], answer: [UInt8]?)] = [:]
        for row in rows { remembered[try row.uuid(0)] = (try row.bytes(1), try row.optionalBytes(2)) }
        for (entry, key) in known {
            guard let seen = remembered[key.requestID] else { continue }
            entry.remembered = seen.digest == key.digest ? .repeated(answer: seen.answer) : .idReused
        }
    }

    /// Marks messages that repeat one before them in the same batch; returns the others.
    private static func markRepeatsWithin<Input>(
        _ entries: [(Entry<Input>, InboxKey)]
    ) -> [(Entry<Input>, InboxKey)] {
        var seen: [UUID: (entry: Entry<Input>, digest: [UInt8])] = [:]
        return entries.filter { entry, key in
            guard let first = seen[key.requestID] else {
                seen[key.requestID] = (entry, key.digest)
                return true
            }
            if first.digest == key.digest { entry.earlier = first.entry } else { entry.remembered = .idReused }
            return false
        }
    }

    private func insert(_ keys: [InboxKey], in transaction: borrowing PostgresTransaction) throws -> Set<UUID> {
        let rows = try transaction.query(
            """
            insert into inbox (id, digest, seen_at)
            select id, digest, clock_timestamp() from unnest($1::uuid[], $2::bytea[]) as new(id, digest)
            order by id
            on conflict (id) do nothing
            returning id
            """,
            [.array(.uuids(keys.map(\.requestID))), .array(.byteas(keys.map(\.digest)))]
        )
        var inserted: Set<UUID> = []
        for row in rows { inserted.insert(try row.uuid(0)) }
        return inserted
    }
}
