import Foundation

/// A message that the load sends.
struct Outgoing: Sendable, Equatable {
    var topic: String
    var key: String
    var type: String
    var source: String
    var id: String
    var value: [UInt8]?
    /// Further headers; a request's token is added when it is sent.
    var headers: [String: String] = [:]
    /// Whether the usual headers are left out.
    var isBare = false
    /// What is wrong with it; none of a proper message.
    var poison: String?

    static func request(_ what: String, key: String, id: String, source: String = "/chaos", _ json: String) -> Self {
        Outgoing(
            topic: "deployment.requests",
            key: key,
            type: "slipway.\(what).v1",
            source: source,
            id: id,
            value: Array(json.utf8)
        )
    }
}

/// Where the load happens: projects with environments on the run's clusters, and names of what is in them.
enum LoadPlace {
    static let projects = (0..<4).map { "p\($0)" }
    static let environments = (0..<3).map { "e\($0)" }
    static let instances = (0..<3).map { "i\($0)" }
    static let versions = ["1.0.0", "1.1.0", "2.0.0"]
    static let probes = (0..<8).map { "probe\($0)" }
    /// Where the probes that go through an agent are deployed: one environment on each cluster, named like it.
    static let deployed = "deployed"

    static func cluster(of project: String, _ environment: String) -> String {
        let number = (Int(project.suffix(1)) ?? 0) + (Int(environment.suffix(1)) ?? 0)
        return ChaosWorld.clusters[number % ChaosWorld.clusters.count]
    }
}

/// The load, one message after the other: the same seed gives the same messages, whatever becomes of them.
struct Load: Sendable {
    private var random: SeededRandom
    private let seed: UInt64
    private var count = 0
    private var sent: [Outgoing] = []

    init(seed: UInt64) {
        self.seed = seed
        random = SeededRandom(seed: seed ^ 0x10AD)
    }

    /// What makes the places, step by step: each step needs the one before.
    static func preparation(seed: UInt64) -> [[Outgoing]] {
        var number = 0
        func request(_ what: String, _ key: String, _ json: String) -> Outgoing {
            number += 1
            return .request(what, key: key, id: "s\(seed)-\(number)", json)
        }
        let projects = (LoadPlace.projects + LoadPlace.probes + [LoadPlace.deployed]).map {
            request("project.create", $0, #"{"project":"\#($0)"}"#)
        }
        let clusters = ChaosWorld.clusters.map { request("cluster.register", $0, #"{"cluster":"\#($0)"}"#) }
        var inside: [Outgoing] = []
        for project in LoadPlace.projects {
            inside.append(
                request(
                    "application.create",
                    project,
                    #"{"project":"\#(project)","application":"web","artifact":"web-\#(project)"}"#
                )
            )
            for environment in LoadPlace.environments {
                let cluster = LoadPlace.cluster(of: project, environment)
                inside.append(
                    request(
                        "environment.create",
                        "\(project)/\(environment)",
                        #"{"project":"\#(project)","environment":"\#(environment)","cluster":"\#(cluster)"}"#
                    )
                )
            }
        }
        let deployed = LoadPlace.deployed
        let application = #"{"project":"\#(deployed)","application":"small","artifact":"small"}"#
        inside.append(request("application.create", deployed, application))
        for cluster in ChaosWorld.clusters {
            let environment = #"{"project":"\#(deployed)","environment":"\#(cluster)","cluster":"\#(cluster)"}"#
            inside.append(request("environment.create", "\(deployed)/\(cluster)", environment))
        }
        let place = #""project":"\#(deployed)","environment":"\#(ChaosWorld.clusters[0])""#
        let rule = request(
            "autodeploy.create",
            "\(deployed)/\(ChaosWorld.clusters[0])",
            #"{\#(place),"instance":"released","application":"small","versions":"^3.0"}"#
        )
        let releases = LoadPlace.projects.flatMap { project in
            LoadPlace.versions.map { release("web-\(project)", $0, id: "s\(seed)-web-\(project)-\($0)") }
        }
        let small = ["1.0.0", "1.1.0"].map { release("small", $0, id: "s\(seed)-small-\($0)") }
        return [projects + clusters, inside + releases + small, [rule]]
    }

    /// What is sent to see how soon it is answered.
    static func probe(_ probe: Probe, place: Int, number: Int, seed: UInt64) -> Outgoing {
        switch probe {
        case .request:
            let project = LoadPlace.probes[number % LoadPlace.probes.count]
            let json = #"{"project":"\#(project)","name":"probe \#(number)"}"#
            return .request("project.update", key: project, id: "q\(seed)-\(number)", source: "/chaos/probe", json)
        case .deployment:
            let cluster = ChaosWorld.clusters[place]
            let there = #""project":"\#(LoadPlace.deployed)","environment":"\#(cluster)","instance":"small""#
            // Other values each time: a cluster that comes back empty is filled again, too.
            let what = #""application":"small","version":"1.0.0","values":"probe: \#(number)\n""#
            return .request(
                "instance.deploy",
                key: "\(LoadPlace.deployed)/\(cluster)",
                id: "d\(seed)-\(number)",
                source: "/chaos/probe",
                "{\(there),\(what)}"
            )
        case .release:
            let version = "3.0.\(number)"
            return release("small", version, id: releaseID(version, seed: seed))
        }
    }

    /// The id of a probe's release.
    static func releaseID(_ version: String, seed: UInt64) -> String { "v\(seed)-\(version)" }

    /// The next message of the load.
    mutating func next() -> Outgoing {
        if sent.count > 20, random.happens(percent: 5) { return random.pick(Array(sent.suffix(60))) }
        if random.happens(percent: 3) {
            count += 1
            return Poison.make(random.number(0...(Poison.kinds - 1)), id: "x\(seed)-\(count)", random: &random)
        }
        let message = operation()
        sent.append(message)
        if sent.count > 200 { sent.removeFirst(100) }
        return message
    }

    /// The newest messages once more.
    func repetitions(_ number: Int) -> [Outgoing] { Array(sent.suffix(number)) }

    private mutating func operation() -> Outgoing {
        count += 1
        let id = "r\(seed)-\(count)"
        let project = random.pick(LoadPlace.projects)
        let environment = random.pick(LoadPlace.environments)
        let place = #""project":"\#(project)","environment":"\#(environment)""#
        let key = "\(project)/\(environment)"
        let draw = random.number(0...99)
        switch draw {
        case ..<68: return instanceOperation(draw, id: id, key: key, place: place)
        case ..<74: return object("network", id: id, key: key, place: place)
        case ..<84: return object("config-map", id: id, key: key, place: place)
        case ..<88: return passingEnvironment(id: id, project: project)
        case ..<91: return rule(id: id, key: key, place: place)
        case ..<96:
            let version = "1.\(random.number(2...9)).\(random.number(0...99))"
            return Self.release("web-\(project)", version, id: id)
        default:
            return .request(
                "project.update",
                key: project,
                id: id,
                #"{"project":"\#(project)","name":"name \#(count)"}"#
            )
        }
    }

    private mutating func instanceOperation(_ draw: Int, id: String, key: String, place: String) -> Outgoing {
        let instance = random.pick(LoadPlace.instances)
        let version = random.pick(LoadPlace.versions)
        let this = place + #","instance":"\#(instance)""#
        let values = self.values()
        switch draw {
        case ..<24:
            let deploy = #"{\#(this),"application":"web","version":"\#(version)","values":"\#(values)"}"#
            return .request("instance.deploy", key: key, id: id, deploy)
        case ..<34: return .request("instance.upgrade", key: key, id: id, #"{\#(this),"version":"\#(version)"}"#)
        case ..<42:
            return .request("instance.scale", key: key, id: id, #"{\#(this),"replicas":\#(random.number(0...3))}"#)
        case ..<48: return .request("instance.configure", key: key, id: id, #"{\#(this),"values":"\#(values)"}"#)
        case ..<64:
            let verb = random.pick(["restart", "stop", "start", "rollback"])
            return .request("instance.\(verb)", key: key, id: id, "{\(this)}")
        case ..<66:
            let dryRun = #"{\#(this),"application":"web","version":"\#(version)","dryRun":true}"#
            return .request("instance.deploy", key: key, id: id, dryRun)
        default: return .request("instance.delete", key: key, id: id, "{\(this)}")
        }
    }

    private mutating func values() -> String {
        let replicas = #"replicaCount: \#(random.number(1...3))\n"#
        guard random.happens(percent: 6) else { return replicas }
        return replicas + #"simulate:\n  failure: \#(random.pick(["imagePull", "crashLoop"]))\n"#
    }

    private mutating func object(_ kind: String, id: String, key: String, place: String) -> Outgoing {
        let name = "o\(random.number(0...2))"
        let verb = random.pick(["create", "create", "update", "delete"])
        if kind == "network" {
            let rest = #","network":"\#(name)","target":{"instances":["i0"]},"ports":[{"port":80,"targetPort":8080}]"#
            return .request(
                "network.\(verb)",
                key: key,
                id: id,
                verb == "delete" ? #"{\#(place),"network":"\#(name)"}"# : "{\(place)\(rest)}"
            )
        }
        let data = verb == "delete" ? "" : #","data":{"number":"\#(count)"}"#
        return .request("config-map.\(verb)", key: key, id: id, #"{\#(place),"configMap":"\#(name)"\#(data)}"#)
    }

    /// Environments that come and go.
    private mutating func passingEnvironment(id: String, project: String) -> Outgoing {
        let environment = "x\(random.number(0...1))"
        let place = #""project":"\#(project)","environment":"\#(environment)""#
        let key = "\(project)/\(environment)"
        guard random.happens(percent: 60) else {
            return .request("environment.delete", key: key, id: id, "{\(place),\"force\":true}")
        }
        let cluster = random.pick(ChaosWorld.clusters)
        return .request("environment.create", key: key, id: id, #"{\#(place),"cluster":"\#(cluster)"}"#)
    }

    private mutating func rule(id: String, key: String, place: String) -> Outgoing {
        let instance = "i2"
        let verb = random.pick(["create", "disable", "enable", "delete"])
        let rest = verb == "create" ? #","application":"web","versions":"^1.0""# : ""
        return .request("autodeploy.\(verb)", key: key, id: id, #"{\#(place),"instance":"\#(instance)"\#(rest)}"#)
    }

    private static func release(_ artifact: String, _ version: String, id: String) -> Outgoing {
        Outgoing(
            topic: "release.events",
            key: artifact,
            type: "slipway.release.published.v1",
            source: "/ci",
            id: id,
            value: Array(
                #"{"artifact":"\#(artifact)","version":"\#(version)","image":"registry.example/\#(artifact):\#(version)"}"#
                    .utf8
            )
        )
    }
}
