internal import Foundation
internal import Logging
import Synchronization

/// Keeps the key set that is in use, and looks for another one when that is due or a key is missing.
///
/// Who has its key never waits for an address. Of several lanes that miss a key one looks, and the others wait for it.
final class KeySetKeeper: Sendable {
    private struct State {
        var keys = KeySet.empty
        var stamp: KeySetStamp?
        /// How often was looked, and when last.
        var looks = 0
        var lastLook: ContinuousClock.Instant?
        /// When the look began that read the keys: what was published later is not among them.
        var readAt = Int64.min
        /// Why the last look failed.
        var fault: IdentityError?
        /// Whether a thread is looking for whom nobody waits.
        var looksAside = false
    }

    private let origin: any KeySetOrigin
    private let logger: Logger
    private let now: @Sendable () -> ContinuousClock.Instant
    private let microseconds: @Sendable () -> Int64
    private let state = Mutex(State())
    private let looking = Mutex(())

    /// Makes a keeper that has not looked yet.
    ///
    /// - Parameters:
    ///   - now: The clock that paces it.
    ///   - microseconds: The time of day, since 1970, with which requests are compared.
    init(
        _ origin: any KeySetOrigin,
        logger: Logger,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        microseconds: @escaping @Sendable () -> Int64 = KeySetKeeper.wallTime
    ) {
        self.origin = origin
        self.logger = logger
        self.now = now
        self.microseconds = microseconds
    }

    /// The machine's time of day, in microseconds since 1970.
    @Sendable static func wallTime() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }

    /// The keys in use; looks first where that is due and takes no time.
    func keys() -> KeySet {
        let state = state.withLock { $0 }
        guard let last = state.lastLook else {
            // The first look at an address is left to who misses a key.
            if !origin.pace.renewsAside { look(after: state.looks) }
            return self.state.withLock { $0.keys }
        }
        let pace = origin.pace
        guard now() - last >= (state.fault == nil ? pace.renewal : max(pace.retry, pace.missingKey)) else {
            return state.keys
        }
        guard pace.renewsAside else {
            look(after: state.looks)
            return self.state.withLock { $0.keys }
        }
        lookAside(after: state.looks)
        return state.keys
    }

    /// The keys in use, after another look if there is none of that name and a look is due.
    ///
    /// A key may have been published after the last look and before the request: then the next look decides.
    ///
    /// - Parameter moment: When the request had come at the latest, in microseconds since 1970.
    /// - Throws: ``IdentityError`` where the key is missing because the set cannot be read, or was not since then.
    func keys(with keyID: String, readSince moment: Int64) throws(IdentityError) -> KeySet {
        var current = state.withLock { $0 }
        var isOwn = false
        while !current.keys.has(keyID), !isOwn, isDue(current) {
            // Another thread's look may have begun before the request came.
            isOwn = look(after: current.looks)
            current = state.withLock { $0 }
        }
        guard !current.keys.has(keyID) else { return current.keys }
        if let fault = current.fault { throw fault }
        guard isOwn || current.readAt >= moment else {
            throw IdentityError(
                .keySetUnreachable,
                "The key set does not hold the token's key, and was last read before the request came; it is read again soon."
            )
        }
        return current.keys
    }

    /// Whether a missing key is worth a look.
    private func isDue(_ state: State) -> Bool {
        guard let last = state.lastLook else { return true }
        return now() - last >= (state.fault == nil ? origin.pace.missingKey : origin.pace.retry)
    }

    /// Looks now.
    ///
    /// - Throws: ``IdentityError`` where the set cannot be read.
    func load() throws(IdentityError) {
        look(after: state.withLock { $0.looks })
        if let fault = state.withLock({ $0.fault }) { throw fault }
    }

    /// Looks, unless another thread has looked since; returns whether it did.
    @discardableResult
    private func look(after looks: Int) -> Bool {
        looking.withLock { _ in lookOnce(after: looks) }
    }

    private func lookAside(after looks: Int) {
        let isFirst = state.withLock { state in
            defer { state.looksAside = true }
            return !state.looksAside
        }
        guard isFirst else { return }
        let thread = Thread { [self] in
            look(after: looks)
            state.withLock { $0.looksAside = false }
        }
        thread.name = "key-set"
        thread.start()
    }

    private func lookOnce(after looks: Int) -> Bool {
        let before = state.withLock { $0 }
        guard before.looks == looks else { return false }
        let began = microseconds()
        do throws(IdentityError) {
            switch try origin.read(unless: before.fault == nil ? before.stamp : nil) {
            case .unchanged: note(keys: nil, stamp: before.stamp, fault: nil, began)
            case .document(let bytes, let stamp):
                note(keys: try KeySetDocument.read(bytes), stamp: stamp, fault: nil, began)
            }
        } catch {
            note(keys: nil, stamp: nil, fault: error, began)
        }
        return true
    }

    private func note(keys: KeySet?, stamp: KeySetStamp?, fault: IdentityError?, _ began: Int64) {
        let moment = now()
        let before = state.withLock { state in
            let before = state
            if let keys { state.keys = keys }
            state.stamp = stamp
            state.fault = fault
            state.looks += 1
            state.lastLook = moment
            if fault == nil { state.readAt = began }
            return before
        }
        if let fault {
            guard fault != before.fault else { return }
            logger.warning(
                "the key set cannot be read; the \(before.keys.count) known keys stay in use: \(fault.sentence)"
            )
        } else if let keys, keys.identity != before.keys.identity {
            logger.info("the key set holds \(keys.count) keys that can be used")
            for reason in keys.passedOver { logger.warning("in the key set \(reason); it is not used") }
        } else if before.fault != nil {
            logger.info("the key set can be read again")
        }
    }
}
