import Foundation

/// One line of a run's record: what was sent, what was done to the fleet, or what was seen of it meanwhile.
///
/// A record is a file of JSON objects, one a line, each with exactly one of these members.
package struct RecordLine: Codable, Sendable, Hashable {
    package var sent: SentMessage?
    package var sample: Sample?
    package var fault: PlayedFault?
    package var sighting: Sighting?
    package var ending: UnexpectedEnd?

    package init(
        sent: SentMessage? = nil,
        sample: Sample? = nil,
        fault: PlayedFault? = nil,
        sighting: Sighting? = nil,
        ending: UnexpectedEnd? = nil
    ) {
        (self.sent, self.sample, self.fault) = (sent, sample, fault)
        (self.sighting, self.ending) = (sighting, ending)
    }
}

/// A message that somebody outside of the fleet sent to it.
package struct SentMessage: Codable, Sendable, Hashable {
    /// The topic without the fleet's prefix.
    package var topic: String
    package var key: String
    package var source: String
    package var id: String
    package var type: String
    /// Where the broker said that it lies; none where it did not say so.
    package var partition: Int32?
    package var offset: Int64?
    /// Milliseconds since 1970.
    package var at: Int64
    /// Why nobody can understand it; none of a proper message.
    package var poison: String?

    package init(
        topic: String,
        key: String,
        source: String,
        id: String,
        type: String,
        partition: Int32? = nil,
        offset: Int64? = nil,
        at: Int64 = 0,
        poison: String? = nil
    ) {
        (self.topic, self.key, self.source, self.id, self.type) = (topic, key, source, id, type)
        (self.partition, self.offset, self.at, self.poison) = (partition, offset, at, poison)
    }
}

/// What was read of the database and the broker at one moment of the run.
package struct Sample: Codable, Sendable, Hashable {
    /// Milliseconds since 1970.
    package var at: Int64
    /// Numbers that never become smaller, by what they belong to.
    package var rising: [String: Int64]
    /// The offsets that groups have committed to the broker, read before the claims.
    package var committed: [String: Int64]
    /// The offsets up to which the database says that they have consumed.
    package var claimed: [String: Int64]

    package init(at: Int64, rising: [String: Int64], committed: [String: Int64] = [:], claimed: [String: Int64] = [:]) {
        (self.at, self.rising, self.committed, self.claimed) = (at, rising, committed, claimed)
    }
}

/// Something that was done to the fleet.
package struct PlayedFault: Codable, Sendable, Hashable {
    package var name: String
    /// To what it was done.
    package var target: String
    /// Seconds since the run began.
    package var begin: Double
    package var end: Double
    /// After how many seconds requests were answered as before; none where that was not seen before the next fault.
    package var recovery: Double?

    package init(name: String, target: String, begin: Double, end: Double, recovery: Double? = nil) {
        (self.name, self.target, self.begin, self.end, self.recovery) = (name, target, begin, end, recovery)
    }
}

/// A rare situation that only the processes' logs tell of.
package struct Sighting: Codable, Sendable, Hashable {
    package var situation: Situation
    package var count: Int

    package init(_ situation: Situation, count: Int) {
        (self.situation, self.count) = (situation, count)
    }
}

/// A process that ended by itself, or as it should not have.
package struct UnexpectedEnd: Codable, Sendable, Hashable {
    package var process: String
    package var says: String

    package init(process: String, says: String) {
        (self.process, self.says) = (process, says)
    }
}
