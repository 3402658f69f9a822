import Testing
import WorkerRuntime

@testable import Domain

/// What a certificate may be asked to be, how it lives, and what it becomes.
@Suite struct CertificateSpecTests {
    static func domains(_ description: String, _ domains: String, _ code: String, _ field: String) -> SpecCase {
        SpecCase(description, #"{"domains":\#(domains),"request":{}}"#, code, field)
    }

    static func upload(_ description: String, _ upload: String, _ code: String, _ field: String, says: String = "")
        -> SpecCase
    {
        SpecCase(description, #"{"domains":["a.b"],"upload":\#(upload)}"#, code, field, says: says)
    }

    static let cases = [
        SpecCase("the least", #"{"domains":["a.example.org","*.example.org"],"request":{}}"#),
        SpecCase("an upload", #"{"domains":["a.b"],"upload":{"chain":"x","privateKey":"\#(sealedText)"}}"#),
        SpecCase("neither", #"{"domains":["a.b"]}"#, "missing_field", "request"),
        SpecCase(
            "both",
            #"{"domains":["a.b"],"request":{},"upload":{"chain":"x","privateKey":"\#(sealedText)"}}"#,
            "invalid_field",
            "upload"
        ),
        SpecCase(
            "no such kind of issuer",
            #"{"domains":["a.b"],"request":{"issuer":{"kind":"CA"}}}"#,
            "invalid_field",
            "request.issuer.kind",
            says: "it should be ClusterIssuer or Issuer"
        ),
        SpecCase(
            "a wrong issuer",
            #"{"domains":["a.b"],"request":{"issuer":{"name":"A"}}}"#,
            "invalid_name",
            "request.issuer.name"
        ),
        domains("no domain", "[]", "invalid_field", "domains"),
        domains("a domain twice", #"["a.b","a.b"]"#, "duplicate", "domains[1]"),
        domains("no name", #"["a.b","a b"]"#, "invalid_field", "domains[1]"),
        domains("an address", #"["192.0.2.1"]"#, "invalid_field", "domains[0]"),
        upload("an empty chain", #"{"chain":"","privateKey":"\#(sealedText)"}"#, "invalid_field", "upload.chain"),
        upload("no key", #"{"chain":"x"}"#, "missing_field", "upload.privateKey"),
        upload(
            "a key in clear",
            #"{"chain":"x","privateKey":"hunter2"}"#,
            "not_sealed",
            "upload.privateKey",
            says: "in clear"
        ),
        upload("a damaged key", #"{"chain":"x","privateKey":"sealed:v1:a"}"#, "sealed_malformed", "upload.privateKey"),
    ]

    @Test(arguments: cases) func `a mistake is told with its field`(_ line: SpecCase) throws {
        try line.check(CertificateSpec.self) { _ = try $0.checked() }
    }

    @Test func `a refused key is never quoted`() throws {
        let spec = CertificateSpec(domains: ["a.b"], request: nil, upload: .init(chain: "x", privateKey: "hunter2"))
        let reason = try #require(try refusal { _ = try spec.checked() })
        #expect(!reason.sentence.contains("hunter2"))
    }

    @Test func `an order goes to cert-manager, an upload becomes a Secret whose key stays sealed`() throws {
        let long = String(repeating: "a", count: 60) + ".example.org"
        func order(_ domains: [String]) throws -> String {
            let spec = CertificateSpec(domains: domains, request: .init(issuer: nil), upload: nil)
            return text(CertificateManifest.make(try spec.checked(), head: head(.certificate, "shop")))
        }
        func wanted(_ names: String) -> String {
            #"{"apiVersion":"cert-manager.io/v1","kind":"Certificate",\#(metadata("certificate", "shop")),"#
                + #""spec":{"secretName":"shop-tls",\#(names),"#
                + #""issuerRef":{"name":"letsencrypt","kind":"ClusterIssuer","group":"cert-manager.io"}}}"#
        }
        #expect(try order(["a.b", "*.b"]) == wanted(#""commonName":"a.b","dnsNames":["a.b","*.b"]"#))
        #expect(try order([long]) == wanted(#""dnsNames":["\#(long)"]"#))
        let upload = CertificateSpec(
            domains: ["a.b"],
            request: nil,
            upload: .init(chain: "abc", privateKey: sealedText)
        )
        let secret = CertificateManifest.make(upload, sealedKey: "sealed:v1:agent:AA", head: head(.certificate, "shop"))
        #expect(
            text(secret)
                == #"{"apiVersion":"v1","kind":"Secret",\#(metadata("certificate", "shop-tls")),"type":"kubernetes.io/tls","#
                + #""data":{"tls.crt":"YWJj","tls.key":"sealed:v1:agent:AA"}}"#
        )
    }
}

/// The life of a certificate, transition by transition, and by time.
@Suite struct CertificateStateTests {
    static let day: Int64 = 86_400_000_000
    /// A year from day 0 on.
    static let year = CertificateValidity(notBefore: 0, notAfter: 360 * day)
    typealias Move = CertificateState.Move

    /// By state: issued, not issued where none was before, looked at while good, and at the end, deletion accepted, failed, done.
    static let table: [(CertificateState, [Move?])] = [
        (.applying, [.to(.active), .to(.failed), nil, nil, .to(.deleting), nil, nil]),
        (.active, [.to(.active), nil, nil, .to(.expired), .to(.deleting), nil, nil]),
        (.expiring, [.to(.active), nil, nil, .to(.expired), .to(.deleting), nil, nil]),
        (.expired, [.to(.active), nil, nil, nil, .to(.deleting), nil, nil]),
        (.failed, [.to(.active), nil, nil, nil, .to(.deleting), nil, nil]),
        (.deleting, [nil, nil, nil, nil, nil, .to(.active), .removed]),
    ]

    @Test(arguments: table) func `each event moves each state as the table says`(
        _ state: CertificateState,
        _ moves: [Move?]
    ) {
        let events: [CertificateState.Event] = [
            .issued(Self.year, now: 0), .notIssued(nil, now: 0), .looked(Self.year, now: 0),
            .looked(Self.year, now: 360 * Self.day), .deletionAccepted, .deletionFailed(Self.year, now: 0),
            .deletionSucceeded,
        ]
        for (event, move) in zip(events, moves) {
            #expect(CertificateState.next(state, event) == move, "\(state) \(event)")
        }
    }

    @Test func `what is known decides what a certificate comes back to`() {
        func next(_ state: CertificateState, _ event: CertificateState.Event) -> Move? {
            CertificateState.next(state, event)
        }
        #expect(next(.applying, .issued(Self.year, now: 340 * Self.day)) == .to(.expiring))
        #expect(next(.applying, .issued(Self.year, now: 360 * Self.day)) == .to(.expired))
        #expect(next(.active, .looked(Self.year, now: 339 * Self.day)) == .to(.expiring))
        #expect(next(.applying, .notIssued(Self.year, now: 0)) == .to(.active))
        #expect(next(.applying, .notIssued(Self.year, now: 340 * Self.day)) == .to(.expiring))
        #expect(next(.applying, .notIssued(Self.year, now: 360 * Self.day)) == .to(.expired))
        #expect(next(.deleting, .deletionFailed(nil, now: 0)) == .to(.failed))
        #expect(next(.deleting, .deletionFailed(Self.year, now: 340 * Self.day)) == .to(.expiring))
    }

    /// Life in days, and how many days before the end the warning begins.
    static let warnings: [(Int64, Int64)] = [(360, 21), (90, 21), (84, 21), (60, 15), (8, 2), (0, 0)]

    @Test func `operators say when the warning begins`() {
        let month = CertificateValidity(notBefore: 0, notAfter: 360 * Self.day, warningDays: 30)
        #expect(month.warning == 330 * Self.day)
    }

    @Test(arguments: warnings)
    func `expiry is seen ahead of time`(_ life: Int64, _ ahead: Int64) {
        let validity = CertificateValidity(notBefore: 0, notAfter: life * Self.day)
        let (warning, end) = ((life - ahead) * Self.day, life * Self.day)
        func state(_ now: Int64) -> CertificateState { validity.state(at: now) }
        #expect(state(end) == .expired)
        guard life > 0 else { return }
        #expect(state(warning - 1) == .active)
        #expect(state(warning) == .expiring)
        #expect(state(end - 1) == .expiring)
    }
}
