import Domain

/// Whose an object of a namespace is, by the marks that it carries.
enum LiveOwner: Sendable, Hashable {
    /// The subject of single objects, as ``ObjectSubject/mark`` spells it.
    case subject(String)
    /// A release, by its instance.
    case release(String)

    /// What helm writes on everything that it applies.
    private static let helmRelease = "meta.helm.sh/release-name"
    /// What cert-manager writes on the secrets that it fills.
    private static let certificate = "cert-manager.io/certificate-name"

    /// Reads the marks; `nil` where there are none, as on what somebody has made by hand.
    ///
    /// A release comes first: an older agent may have let a network take over what helm still believes to be its own.
    init?(labels: [String: String], annotations: [String: String]) {
        if let release = labels[Label.instance] ?? annotations[Self.helmRelease] {
            self = .release(release)
        } else if let mark = annotations[Label.object] ?? labels[Label.object] {
            self = .subject(mark)
        } else if let certificate = annotations[Self.certificate] {
            self = .subject(ObjectSubject(kind: "certificate", name: certificate).mark)
        } else {
            return nil
        }
    }

    /// Reads the marks of an object as the API gives it.
    init?(metadata: ObjectValue) {
        self.init(
            labels: (metadata["labels"] ?? .empty).texts,
            annotations: (metadata["annotations"] ?? .empty).texts
        )
    }

    /// For people, such as `the network 'front'`.
    var words: String {
        switch self {
        case .release(let name): return "the release '\(name)'"
        case .subject(let mark):
            guard let dot = mark.firstIndex(of: ".") else { return "'\(mark)'" }
            let kind = mark[..<dot].split(separator: "-").joined(separator: " ")
            return "the \(kind) '\(mark[mark.index(after: dot)...])'"
        }
    }
}

extension ObjectSubject {
    /// What its objects say of whose they are: `<kind>.<name>`.
    var mark: String { "\(kind).\(name)" }

    /// Whether what has that owner may be applied or removed for this subject; what is nobody's may.
    func mayChange(_ owner: LiveOwner?) -> Bool { owner.map { $0 == .subject(mark) } ?? true }
}

extension WorkFailure {
    /// A name that a subject wants is another's already.
    static func taken(_ kind: String, _ name: String, by owner: LiveOwner, wantedFor subject: ObjectSubject) -> Self {
        WorkFailure(
            code: "name_taken",
            message: "The \(kind) '\(name)' belongs to \(owner.words), so \(LiveOwner.subject(subject.mark).words) "
                + "cannot have it; choose another name, or remove the other first."
        )
    }

    /// The secret that a registry's login wants is another's already.
    static func taken(registry name: String, by owner: LiveOwner, application: String) -> Self {
        WorkFailure(
            code: "name_taken",
            message: "The Secret '\(name)' belongs to \(owner.words), so the registry of the application "
                + "'\(application)' cannot have it; remove the other first."
        )
    }
}
