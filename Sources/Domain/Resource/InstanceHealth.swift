/// Which instance an object belongs to, as the cluster knows it.
struct InstanceID: Hashable, Comparable {
    let stream: StreamID
    let instance: String

    static func < (left: InstanceID, right: InstanceID) -> Bool {
        (left.stream, left.instance) < (right.stream, right.instance)
    }
}

/// The part of an instance's row that follows from its objects.
struct InstanceHealth: Equatable {
    let id: Int64
    let hasOpenCommand: Bool
    var assessment: HealthAssessment
    var podsReady: Int
    var podsTotal: Int
    var objects: Int
    var revision: Int64

    /// The instance after its objects were added up; `nil` if nothing that can be seen has changed.
    func updated(by sum: InstanceRollUp) -> InstanceHealth? {
        var next = self
        next.assessment = sum.assessment
        next.podsReady = sum.podsReady
        next.podsTotal = sum.podsTotal
        next.objects = sum.objects
        guard next != self else { return nil }
        next.revision += 1
        return next
    }
}
