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
        /// Why the last look failed.
        var fault: IdentityError?
        /// Whether a thread is looking for whom nobody waits.
        var looksAside = false
    }

    private let origin: any KeySetOrigin
    private let logger: Logger
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())
    private let looking = Mutex(())

    init(
        _ origin: any KeySetOrigin,
        logger: Logger,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.origin = origin
        self.logger = logger
        self.now = now
    }

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
    /// - Throws: ``IdentityError`` where the key is missing because the set cannot be read.
    func keys(with keyID: String) throws(IdentityError) -> KeySet {
        let before = state.withLock { $0 }
        guard !before.keys.has(keyID) else { return before.keys }
        let pace = before.fault == nil ? origin.pace.missingKey : origin.pace.retry
        if before.lastLook.map({ now() - $0 >= pace }) ?? true { look(after: before.looks) }
        let after = state.withLock { $0 }
        if let fault = after.fault, !after.keys.has(keyID) { throw fault }
        return after.keys
    }

    /// Looks now.
    ///
    /// - Throws: ``IdentityError`` where the set cannot be read.
    func load() throws(IdentityError) {
        look(after: state.withLock { $0.looks })
        if let fault = state.withLock({ $0.fault }) { throw fault }
    }

    /// Looks, unless another thread has looked since.
    private func look(after looks: Int) {
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

    private func lookOnce(after looks: Int) {
        let before = state.withLock { $0 }
        guard before.looks == looks else { return }
        do throws(IdentityError) {
            switch try origin.read(unless: before.fault == nil ? before.stamp : nil) {
            case .unchanged: note(keys: nil, stamp: before.stamp, fault: nil)
            case .document(let bytes, let stamp): note(keys: try KeySetDocument.read(bytes), stamp: stamp, fault: nil)
            }
        } catch {
            note(keys: nil, stamp: nil, fault: error)
        }
    }

    private func note(keys: KeySet?, stamp: KeySetStamp?, fault: IdentityError?) {
        let moment = now()
        let before = state.withLock { state in
            let before = state
            if let keys { state.keys = keys }
            state.stamp = stamp
            state.fault = fault
            state.looks += 1
            state.lastLook = moment
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
