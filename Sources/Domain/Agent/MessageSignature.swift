import Crypto
import Foundation
public import WorkerRuntime

/// The secret of the fleet, from which every other key is derived.
public struct FleetKey: Sendable {
    private let key: SymmetricKey

    /// Reads 32 bytes of base64.
    ///
    /// - Throws: ``StartError`` that says what would be right, never what was given.
    public init(base64: String) throws(StartError) {
        guard let bytes = Data(base64Encoded: base64), bytes.count == 32 else {
            throw StartError(
                "SLIPWAY_FLEET_KEY should be 32 random bytes in base64, such as 'openssl rand -base64 32' prints."
            )
        }
        key = SymmetricKey(data: bytes)
    }

    /// A fresh key in base64.
    public static func random() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
    }

    /// The key that one cluster's agent and the fleet share.
    public func clusterKey(_ cluster: String, keyID: Int32) -> SigningKey {
        derive("slipway agent \(cluster) \(keyID)")
    }

    /// The key with which the fleet signs its own requests.
    public var requestKey: SigningKey { derive("slipway fleet") }

    private func derive(_ info: String) -> SigningKey {
        SigningKey(HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: Data(info.utf8), outputByteCount: 32))
    }
}

/// A key that signs and checks messages.
public struct SigningKey: Sendable {
    private let key: SymmetricKey

    init(_ key: SymmetricKey) {
        self.key = key
    }

    /// Reads 32 bytes of base64, as `slipway cluster-key` prints them.
    public init?(base64: String) {
        guard let bytes = Data(base64Encoded: base64), bytes.count == 32 else { return nil }
        key = SymmetricKey(data: bytes)
    }

    /// The key in base64: a secret, to be shown once to who sets up an agent.
    public var base64: String { key.withUnsafeBytes { Data($0).base64EncodedString() } }

    /// The value of the header `slipway-signature`.
    public func sign(_ message: SignedParts, keyID: Int32) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: message.bytes, using: key)
        return "v1:\(keyID):\(Data(code).base64EncodedString())"
    }

    /// Whether the signature is this key's; takes the same time wherever it differs.
    public func verifies(_ signature: MessageSignature, of message: SignedParts) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(signature.code, authenticating: message.bytes, using: key)
    }
}

/// A signature as the header `slipway-signature` carries it: `v1:<key number>:<base64>`.
public struct MessageSignature: Sendable, Hashable {
    /// The name of the header.
    public static let header = "slipway-signature"
    /// The number of the key.
    public let keyID: Int32
    let code: Data

    /// Takes the header's value apart; `nil` where it is not of that form.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "v1", let keyID = Int32(parts[1]),
            let code = Data(base64Encoded: String(parts[2])), code.count == 32
        else { return nil }
        self.keyID = keyID
        self.code = code
    }
}

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
        var digest = SHA256()
        digest.update(bufferPointer: value)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(320)
        func put(_ text: String) {
            withUnsafeBytes(of: UInt32(text.utf8.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: text.utf8)
        }
        for part in [direction.rawValue, topic, key, type, source, id, subject ?? "", time ?? "", "application/json"] {
            put(part)
        }
        put(epoch.map(String.init) ?? "")
        put(sequence.map(String.init) ?? "")
        put(onBehalfOf ?? "")
        bytes.append(contentsOf: [0, 0, 0, 32])
        bytes.append(contentsOf: digest.finalize())
        self.bytes = bytes
    }

    /// The parts of a message that was read.
    public init?(_ direction: Direction, of message: KafkaMessageView) {
        guard let key = message.key, let type = message.header("ce_type"), let source = message.header("ce_source"),
            let id = message.header("ce_id")
        else { return nil }
        let parts = message.withValue { value in
            SignedParts(
                direction,
                topic: message.topic,
                key: key,
                type: type,
                source: source,
                id: id,
                subject: message.header("ce_subject"),
                time: message.header("ce_time"),
                epoch: message.header("ce_epoch").flatMap { Int64($0) },
                sequence: message.header("ce_sequence").flatMap { Int64($0) },
                onBehalfOf: message.header("ce_onbehalfof"),
                value: value
            )
        }
        guard let parts else { return nil }
        self = parts
    }
}

/// Checks agents' signatures with keys derived from the fleet's; keeps derived keys.
///
/// Not sendable: one a lane.
public final class AgentSignatures: SignatureVerifier {
    private let fleetKey: FleetKey
    private var keys: [String: SigningKey] = [:]

    /// Makes a verifier.
    public init(_ fleetKey: FleetKey) {
        self.fleetKey = fleetKey
    }

    /// Checks the signature with the key of the cluster and the number that it names.
    public func verify(_ message: KafkaMessageView, from cluster: String) throws(Reason) -> Int32 {
        guard let text = message.header(MessageSignature.header) else {
            throw Reason(
                code: "bad_signature",
                sentence: "The header 'slipway-signature' is missing; agents sign every message.",
                field: MessageSignature.header
            )
        }
        guard let signature = MessageSignature(text), let parts = SignedParts(.fromAgent, of: message),
            key(cluster, signature.keyID).verifies(signature, of: parts)
        else {
            throw Reason(
                code: "bad_signature",
                sentence: "The signature is not that of the cluster '\(cluster.prefix(80))'.",
                field: MessageSignature.header
            )
        }
        return signature.keyID
    }

    private func key(_ cluster: String, _ keyID: Int32) -> SigningKey {
        let name = "\(cluster) \(keyID)"
        if let key = keys[name] { return key }
        let key = fleetKey.clusterKey(cluster, keyID: keyID)
        if keys.count > 10_000 { keys.removeAll() }
        keys[name] = key
        return key
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
