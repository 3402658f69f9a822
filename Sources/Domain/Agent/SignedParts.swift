import Crypto
import Foundation
public import WorkerRuntime

/// What a signature covers: nothing that mirrors or tracing tools may change.
public struct SignedParts: Sendable {
    /// Which way a message goes, so that one cannot be sent back.
    public enum Direction: String, Sendable {
        /// From the fleet to an agent.
        case toAgent = "to-agent"
        /// From an agent to the fleet.
        case fromAgent = "from-agent"
        /// From the fleet to itself.
        case fleet
    }

    /// The parts, each with its length before it.
    let bytes: [UInt8]

    /// Lists the parts.
    ///
    /// `topic` is the logical one; absent parts are empty.
    public init(
        _ direction: Direction,
        topic: String,
        key: String,
        type: String,
        source: String,
        id: String,
        subject: String?,
        time: String?,
        epoch: Int64?,
        sequence: Int64?,
        onBehalfOf: String? = nil,
        value: UnsafeRawBufferPointer
    ) {
        bytes = PartList.bytes { list in
            list.put(direction.rawValue)
            list.put(topic)
            list.put(key)
            list.put(type)
            list.put(source)
            list.put(id)
            list.put(subject ?? "")
            list.put(time ?? "")
            list.put("application/json")
            list.put(epoch.map(String.init) ?? "")
            list.put(sequence.map(String.init) ?? "")
            list.put(onBehalfOf ?? "")
            list.putDigest(of: value)
        }
    }

    /// The parts of a message that was read, as the message wrote them; `nil` where one that must be there is missing.
    public init?(_ direction: Direction, of message: KafkaMessageView) {
        var isWhole = false
        bytes = PartList.bytes { list in
            list.put(direction.rawValue)
            list.put(message.topic)
            guard message.withKey({ list.put($0) }) != nil, list.put("ce_type", of: message),
                list.put("ce_source", of: message), list.put("ce_id", of: message)
            else { return }
            list.putAny("ce_subject", of: message)
            list.putAny("ce_time", of: message)
            list.put("application/json")
            list.putAny("ce_epoch", of: message)
            list.putAny("ce_sequence", of: message)
            list.putAny("ce_onbehalfof", of: message)
            isWhole = message.withValue { list.putDigest(of: $0) } != nil
        }
        guard isWhole else { return nil }
    }
}

/// Parts with their lengths before them, so that no two lists have the same bytes.
///
/// They are written once into room that nearly always suffices; where it does not, they are written again into as much as
/// they turned out to need.
private struct PartList {
    private static let usual = 512
    private var room: UnsafeMutableRawBufferPointer
    /// How many bytes the parts take, whether or not there was room for them.
    private var count = 0

    static func bytes(_ write: (inout PartList) -> Void) -> [UInt8] {
        var needed = 0
        func attempt(_ capacity: Int) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                var list = PartList(room: UnsafeMutableRawBufferPointer(buffer))
                write(&list)
                needed = list.count
                count = list.count <= capacity ? list.count : 0
            }
        }
        let bytes = attempt(usual)
        return needed <= usual ? bytes : attempt(needed)
    }

    private init(room: UnsafeMutableRawBufferPointer) {
        self.room = room
    }

    mutating func put(_ text: String) {
        var text = text
        text.withUTF8 { put(UnsafeRawBufferPointer($0)) }
    }

    mutating func put(_ part: UnsafeRawBufferPointer) {
        putCount(part.count)
        append(part)
    }

    /// Puts a header's value; returns whether the message has the header.
    mutating func put(_ header: StaticString, of message: KafkaMessageView) -> Bool {
        message.withHeader(header) { put($0) } != nil
    }

    /// Puts a header's value, which is empty where the message has no such header.
    mutating func putAny(_ header: StaticString, of message: KafkaMessageView) {
        if !put(header, of: message) { putCount(0) }
    }

    mutating func putDigest(of value: UnsafeRawBufferPointer) {
        var digest = SHA256()
        digest.update(bufferPointer: value)
        digest.finalize().withUnsafeBytes { put($0) }
    }

    private mutating func putCount(_ count: Int) {
        withUnsafeBytes(of: UInt32(count).bigEndian) { append($0) }
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if count + bytes.count <= room.count, let from = bytes.baseAddress, let to = room.baseAddress {
            (to + count).copyMemory(from: from, byteCount: bytes.count)
        }
        count += bytes.count
    }
}

extension OutgoingEvent {
    /// The event with a signature over it, as a record for a topic and key.
    func signed(
        _ direction: SignedParts.Direction,
        topic: String,
        key: String,
        with signingKey: SigningKey,
        keyID: Int32
    )
        -> OutgoingEvent
    {
        var event = self
        let number: (String) -> Int64? = { name in self.extensions.first { $0.0 == name }.flatMap { Int64($0.1) } }
        let time = headers.first { $0.0 == "ce_time" }?.1
        let parts = data.withUnsafeBytes {
            SignedParts(
                direction,
                topic: topic,
                key: key,
                type: type,
                source: source,
                id: id,
                subject: subject,
                time: time,
                epoch: number("epoch"),
                sequence: number("sequence"),
                onBehalfOf: extensions.first { $0.0 == "onbehalfof" }?.1,
                value: $0
            )
        }
        event.plainHeaders.append((MessageSignature.header, signingKey.sign(parts, keyID: keyID)))
        return event
    }
}
