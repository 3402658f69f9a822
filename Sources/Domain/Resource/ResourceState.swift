import WorkerRuntime

/// What is stored of one object.
struct ResourceState: Sendable, Equatable {
    var apiVersion: String
    var uid: String
    var instance: String?
    var position: StreamPosition
    var generation: Int64 = 0
    var observedGeneration: Int64?
    var resourceVersion: String?
    var assessment: HealthAssessment
    var isReady: Bool?
    var sign: FailureSign?
    var commandGeneration: Int64?
    /// Whether its health is told by another object, see ``ResourceChange/isApart``.
    ///
    /// Of what a worker of a version before has written it is known only where it matters, of what is not healthy.
    var isApart = false
    var isGone = false
    /// Rises by one with each change that can be seen from outside, through deletion and re-creation too.
    var revision: Int64 = 0

    /// Whether somebody who follows the object's status would notice a difference.
    func looksLike(_ other: ResourceState) -> Bool {
        isGone == other.isGone && generation == other.generation && observedGeneration == other.observedGeneration
            && assessment == other.assessment && isReady == other.isReady && instance == other.instance
            && apiVersion == other.apiVersion && uid == other.uid && sign == other.sign
            && commandGeneration == other.commandGeneration && isToldApart == other.isToldApart
    }

    /// Whether another object speaks for it, as far as anybody asks: of what is healthy and shows no sign nobody does.
    var isToldApart: Bool { isApart && (assessment.health != .healthy || sign != nil) }
}

/// One object on its way through a batch: what was stored, and what the batch's messages make of it.
///
/// The rules of the object store, without the store: a fact counts only if its position is later than that of the fact
/// that is held, and a deletion only if it ends the life that is held.
///
/// A class, because what it holds is much to copy and each step of a batch looks at it.
final class ResourceHistory {
    let id: ResourceID
    let stored: ResourceState?
    private(set) var current: ResourceState? { didSet { ending = nil } }
    /// The entry of the batch whose object is to be stored; `nil` when none was kept.
    private(set) var objectEntry: Int?

    private let numbersBegin: Int64
    private var ending: Ending?

    /// What the messages so far come to.
    private struct Ending {
        let isVisiblyChanged: Bool
        let result: ResourceState?
    }

    /// Starts from what is stored; the revision of what was never published begins behind `numbersBegin`.
    init(id: ResourceID, stored: ResourceState?, numbersBegin: Int64 = 0) {
        self.id = id
        self.numbersBegin = numbersBegin
        self.stored = stored
        current = stored
    }

    /// Takes in an object as it looks at a position.
    ///
    /// - Parameters:
    ///   - entry: The place of its message in the batch.
    ///   - now: Microseconds since 1970, for what waits for an address.
    func apply(_ change: ResourceChange, at position: StreamPosition, entry: Int, now: Int64) -> Outcome {
        if let late = verdict(on: position) { return late }
        current = ResourceState(
            apiVersion: change.apiVersion,
            uid: change.uid,
            instance: change.instance,
            position: position,
            generation: change.generation,
            observedGeneration: change.observedGeneration,
            resourceVersion: change.resourceVersion,
            assessment: change.assessment(at: now),
            isReady: change.isReady,
            sign: change.sign,
            commandGeneration: change.commandGeneration,
            isApart: change.isApart
        )
        objectEntry = entry
        return .applied
    }

    /// Takes in a deletion; the late deletion of an earlier life is stale.
    func apply(_ gone: ResourceGone, at position: StreamPosition) -> Outcome {
        if let late = verdict(on: position) { return late }
        if let current, !current.isGone, current.uid != gone.uid { return .stale }
        end(at: position, apiVersion: gone.apiVersion, uid: gone.uid)
        return .applied
    }

    /// Notes that the object's newest fact could not be read, so that its stored health is no longer believed.
    ///
    /// It is still there: a snapshot that holds an unreadable object must not remove it.
    func applyUnreadable(_ reason: Reason, at position: StreamPosition) {
        guard verdict(on: position) == nil, var state = current, !state.isGone else { return }
        state.position = position
        state.assessment = HealthAssessment(.unknown, "Its newest state could not be read: \(reason.sentence)")
        current = state
    }

    private func end(at position: StreamPosition, apiVersion: String, uid: String) {
        var state =
            current
            ?? ResourceState(
                apiVersion: apiVersion,
                uid: uid,
                position: position,
                assessment: HealthAssessment(.missing)
            )
        state.uid = uid
        state.position = position
        state.assessment = HealthAssessment(.missing)
        state.isReady = nil
        state.sign = nil
        state.isGone = true
        current = state
        objectEntry = nil
    }

    private func verdict(on position: StreamPosition) -> Outcome? {
        guard let current, position <= current.position else { return nil }
        return position == current.position ? .repeated : .stale
    }

    /// Whether the batch changed what is stored.
    var isChanged: Bool { current?.position != stored?.position }

    /// Whether followers of the object's status see a difference.
    ///
    /// An object that came and went unseen is none.
    var isVisiblyChanged: Bool { concluded().isVisiblyChanged }

    /// What is to be stored, with its revision.
    var result: ResourceState? { concluded().result }

    /// The instances that it belonged to before, and belongs to now, each once.
    var instances: [String] {
        let (before, now) = (stored?.instance, current?.instance)
        guard let now, now != before else { return before.map { [$0] } ?? [] }
        return before.map { [$0, now] } ?? [now]
    }

    /// Made once after the last message, because several steps ask for it.
    private func concluded() -> Ending {
        if let ending { return ending }
        let made = makeEnding()
        ending = made
        return made
    }

    private func makeEnding() -> Ending {
        guard var state = current else { return Ending(isVisiblyChanged: false, result: nil) }
        let isVisiblyChanged = stored.map { !state.looksLike($0) } ?? !state.isGone
        guard isChanged else { return Ending(isVisiblyChanged: isVisiblyChanged, result: nil) }
        let revision = stored?.revision ?? 0
        // What nobody has seen stays at 0, before its first number.
        state.revision = isVisiblyChanged ? max(revision, numbersBegin) + 1 : revision
        return Ending(isVisiblyChanged: isVisiblyChanged, result: state)
    }
}
