import Foundation
import Postgres
import Sealing
import WorkerRuntime

/// A network, domain, certificate, config map or secret as its row holds it.
struct EnvironmentObject: Sendable {
    let id: Int64
    let environmentID: Int64
    let concept: ObjectConcept
    let name: String
    var description: String?
    /// As it was asked for, without anything confidential: JSON.
    var spec: [UInt8]
    var confidential: EncryptedValues
    /// What the newest command that did not fail left.
    var running: (spec: [UInt8], confidential: EncryptedValues)?
    /// What may be in the cluster because of it.
    var placed: [ObjectReference]
    var generation: Int64
    var state: String
    var validity: CertificateValidity?
    var openCommand: UUID?
    let revision: Int64
    /// Whether it is a certificate that was ordered where one was before.
    let isOrderedAnew: Bool

    /// What ``init(_:)`` reads, in order.
    static let columns = """
        id, environment_id, kind, name, description, spec::text, confidential::text, running_spec::text,
        running_confidential::text, placed::text, generation, state, not_before, not_after, open_command, revision,
        ordered_over is not null
        """

    init(_ row: PostgresRow) throws {
        id = try row.int64(0)
        environmentID = try row.int64(1)
        let kind = try row.string(2)
        guard let concept = ObjectConcept(rawValue: kind) else {
            throw Reason(code: "internal_error", sentence: "An object is of the kind '\(kind)', which is not known.")
        }
        self.concept = concept
        name = try row.string(3)
        description = try row.optionalString(4)
        spec = Array(try row.string(5).utf8)
        confidential = try EncryptedValues(json: row.string(6))
        if let spec = try row.optionalString(7) {
            running = (Array(spec.utf8), try EncryptedValues(json: row.optionalString(8) ?? "{}"))
        }
        placed = try JSONDecoder().decode([ObjectReference].self, from: Data(row.string(9).utf8))
        generation = try row.int64(10)
        state = try row.string(11)
        if let notBefore = try row.optionalTimestamp(12), let notAfter = try row.optionalTimestamp(13) {
            validity = CertificateValidity(notBefore: notBefore, notAfter: notAfter)
        }
        openCommand = try row.optionalUUID(14)
        revision = try row.int64(15)
        isOrderedAnew = try row.bool(16)
    }

    /// What decides of it.
    var standing: ObjectLife.Standing { ObjectLife.Standing(concept: concept, state: state, validity: validity) }

    /// What a change builds on: what is wanted, or, after a failure, what the last success left.
    var base: (spec: [UInt8], confidential: EncryptedValues) {
        state == ObjectState.failed.rawValue ? running ?? (spec, confidential) : (spec, confidential)
    }

    /// Whether its state is judged by what is wanted, as that of an uploaded certificate is: its chain says until when
    /// it holds.
    var isJudgedByContent: Bool {
        get throws { try concept == .certificate && decode(StoredCertificate.self).isUploaded }
    }

    /// Reads the stored specification.
    func decode<Spec: Decodable>(_ type: Spec.Type) throws -> Spec {
        try JSONDecoder().decode(type, from: Data(spec))
    }

    /// What is wanted of it and, where that is something else, what the last success left.
    ///
    /// As long as a change is on its way or has failed, the cluster may hold either.
    func decodeBoth<Spec: Decodable & Equatable>(_ type: Spec.Type) throws -> [Spec] {
        let wanted = try decode(type)
        guard let running else { return [wanted] }
        let left = try JSONDecoder().decode(type, from: Data(running.spec))
        return left == wanted ? [wanted] : [wanted, left]
    }
}

/// Confidential values as they are kept: each encrypted, under its name.
struct EncryptedValues: Sendable, Hashable {
    var ciphertexts: [String: [UInt8]] = [:]

    init() {}

    init(json: String) throws {
        ciphertexts = try JSONDecoder().decode([String: Data].self, from: Data(json.utf8)).mapValues { Array($0) }
    }

    var json: [UInt8] {
        get throws { Array(try JSONEncoder.stable.encode(ciphertexts.mapValues { Data($0) })) }
    }

    subscript(name: String) -> [UInt8]? {
        get { ciphertexts[name] }
        set { ciphertexts[name] = newValue }
    }

    var names: [String] { ciphertexts.keys.sorted() }
}

/// Where an object's confidential values are: what they are bound to, sealed by their sender or encrypted at rest.
struct ConfidentialPlace: Sendable, Hashable {
    let project: String
    let environment: String
    let concept: ObjectConcept
    let name: String

    /// What the value of a name is bound to.
    func binding(_ value: String) -> Binding {
        Binding(project, environment, concept.rawValue, name, value)
    }
}
