import Crypto
import Foundation
public import Identity
public import Logging
public import WorkerRuntime

/// Tells who sent a request by the token in its header `authorization`.
///
/// A token must have been valid when the broker appended the request, however long that has waited since. Once it is
/// verified only its subject is kept with a message that must wait. Where the issuer's keys cannot be read now, the
/// token itself is kept, encrypted with a key of the fleet's, until they can.
public struct TokenCallers: CallerSource {
    private let verifier: TokenVerifier
    private let key: SymmetricKey
    private let clock: WallClock
    private static let subject = "caller"
    private static let token = "token"
    private static let present = "seen"

    /// Makes it.
    ///
    /// - Parameters:
    ///   - fleetKey: Encrypts the tokens that wait for their issuer's keys.
    ///   - clock: When a request came whose time the broker does not say.
    public init(_ verifier: TokenVerifier, fleetKey: FleetKey, clock: WallClock = WallClock()) {
        self.verifier = verifier
        self.clock = clock
        key = fleetKey.encryptionKey(for: "slipway waiting tokens")
    }

    /// The token's subject.
    public func caller(of message: KafkaMessageView) throws(CallerError) -> Caller {
        if let subject = message.kept(Self.subject) { return Caller(subject) }
        do throws(TokenError) {
            let caller = try verifier.verify(
                authorization: authorization(of: message),
                at: time(of: message),
                seen: Self.seen(message)
            )
            return Caller(caller.subject)
        } catch {
            let reason = Reason(code: error.code, sentence: error.sentence, field: TokenRefusal.field)
            if case .unavailable = error { throw .unavailable(reason) }
            throw .refused(reason)
        }
    }

    /// The subject that was verified, or the token, encrypted, that could not be yet.
    ///
    /// With it goes the present: the token's key was published by now, or never.
    public func kept(of message: KafkaMessageView) -> [(String, String)] {
        if let caller = try? caller(of: message) { return [(KafkaMessageView.keptPrefix + Self.subject, caller.name)] }
        guard let text = message.header("authorization"),
            let box = try? AES.GCM.seal(Data(text.utf8), using: key).combined
        else { return [] }
        return [
            (KafkaMessageView.keptPrefix + Self.token, box.base64EncodedString()),
            (KafkaMessageView.keptPrefix + Self.present, "\(clock.now())"),
        ]
    }

    /// When a worker put it off, in microseconds since 1970; `nil` where it comes from the broker, or an older worker did.
    static func seen(_ message: KafkaMessageView) -> Int64? { message.kept(present).flatMap { Int64($0) } }

    private func authorization(of message: KafkaMessageView) -> String? {
        guard message.isParked else { return message.header("authorization") }
        guard let text = message.kept(Self.token), let bytes = Data(base64Encoded: text),
            let box = try? AES.GCM.SealedBox(combined: bytes), let token = try? AES.GCM.open(box, using: key)
        else { return nil }
        return String(decoding: token, as: UTF8.self)
    }

    /// The broker's time where it set one, which no sender can choose; the present otherwise.
    private func time(of message: KafkaMessageView) -> Int64 {
        guard message.isBrokerTime else { return clock.now() }
        return message.timestampMilliseconds * 1000
    }
}

/// Refuses every token: what a fleet has on `deployment.requests` that takes requests on trusted topics only.
public struct NoTokenCallers: CallerSource {
    /// Makes it.
    public init() {}

    /// Nobody.
    public func caller(of message: KafkaMessageView) throws(CallerError) -> Caller {
        throw .refused(
            Reason(
                code: "tokens_not_taken",
                sentence:
                    "This fleet takes no tokens, as SLIPWAY_TOKEN_KEYS is not set; send it on a topic of trusted requests.",
                field: TokenRefusal.field
            )
        )
    }
}

extension TokenVerifier {
    /// Reads `SLIPWAY_TOKEN_KEYS` and what tokens must say.
    public convenience init(_ settings: Settings, logger: Logger, clock: WallClock) throws(StartError) {
        let keys = try settings.required(
            "TOKEN_KEYS",
            meaning: "where the keys of tokens are: a file, or an https address, of a JSON Web Key Set"
        )
        let tokens = TokenSettings(
            issuer: settings.text("TOKEN_ISSUER"),
            audience: settings.text("TOKEN_AUDIENCE"),
            maximumAge: .seconds(try settings.number("TOKEN_AGE_SECONDS", default: 86_400, in: 1...31_536_000))
        )
        do throws(IdentityError) {
            try self.init(KeySetSource(keys), settings: tokens, logger: logger, microseconds: { clock.now() })
        } catch {
            throw StartError("SLIPWAY_TOKEN_KEYS: \(error.sentence)")
        }
    }
}

extension Permissions {
    /// Reads `SLIPWAY_ADMINISTRATORS`.
    public init(_ settings: Settings) {
        let names = (settings.text("ADMINISTRATORS") ?? "").split(separator: ",")
        self.init(administrators: Set(names.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }))
    }
}
