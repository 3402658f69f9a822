import ArgumentParser
import CloudEvents
import Domain
import Kafka
import WorkerRuntime

/// Paths of a message whose instructions are counted, so that a regression is seen whatever the machine does meanwhile.
enum FixedPath: String, CaseIterable, ExpressibleByArgument {
    /// A resource change, as the handler sees it.
    case decode
    /// The same with its signature checked.
    case check
    /// What a batch of changes comes to, and what the lane remembers of it.
    case plan
    /// The rows of the statement that writes its objects.
    case rows
    /// The statuses of its objects, as they go to the outbox.
    case encode
    /// The same out of a row of the outbox, as a relay reads it.
    case relay
    /// A deploy request, from its message to what the instance is to be.
    case deploy

    /// Messages of a batch, of few namespaces, as a lane gets them.
    private static let batch = 100
    private static let shape = ResourceLoad.Shape(namespaces: 4)

    /// Takes it for so many messages, and does nothing else that grows with their number.
    func run(times: Int) throws {
        let fleetKey = try FleetKey(base64: FleetKey.random())
        var load = ResourceLoad(fleetKey: fleetKey, Self.shape)
        let views = (0..<Self.batch).map { _ in KafkaMessageView(of: load.next()) }
        let trusting = ResourceHandler(fleetKey: fleetKey, verifier: TrustingVerifier())
        let batches = times / Self.batch
        switch self {
        case .decode: try Self.decode(views, times, trusting)
        case .check: try Self.decode(views, times, ResourceHandler(fleetKey: fleetKey))
        case .plan: try Self.repeated(batches, ResourceSteps(views, by: trusting)) { $0.decide() }
        case .rows: try Self.repeated(batches, ResourceSteps(views, by: trusting)) { $0.makeRows() }
        case .encode: try Self.repeated(batches, ResourceSteps(views, by: trusting)) { $0.makeRecords().count }
        case .relay: try Self.relay(batches, ResourceSteps(views, by: trusting))
        case .deploy: try Self.deploy(times, fleetKey)
        }
    }

    private static func decode(_ views: [KafkaMessageView], _ times: Int, _ handler: ResourceHandler) throws {
        for number in 0..<times {
            do { _ = try handler.decode(views[number % views.count]) } catch { throw StartError("\(error)") }
        }
    }

    private static func repeated(_ times: Int, _ steps: ResourceSteps, _ step: (ResourceSteps) -> Int) throws {
        for _ in 0..<times where step(steps) == 0 { throw StartError("Nothing of the batch was changed.") }
    }

    private static func relay(_ times: Int, _ steps: ResourceSteps) throws {
        let rows = OutboxSteps.rows(of: steps.makeRecords())
        for _ in 0..<times {
            for row in rows where OutboxSteps.read(row) == 0 { throw StartError("A row could not be read.") }
        }
    }

    private static func deploy(_ times: Int, _ fleetKey: FleetKey) throws {
        let handler = DeploymentRequestHandler(
            fleetKey: fleetKey,
            timers: CommandTimers(),
            callers: OneCaller(),
            permissions: Permissions(administrators: [])
        )
        let steps = DeploySteps(handler)
        let message = RequestBench.message(1, token: "")
        for _ in 0..<times where try steps.decide(KafkaMessageView(of: message, topic: "deployment.requests")) == 0 {
            throw StartError("Nothing was decided.")
        }
    }

    /// How many status events are made a second.
    static func encodeRate(_ count: Int) throws -> Double {
        let fleetKey = try FleetKey(base64: FleetKey.random())
        var load = ResourceLoad(fleetKey: fleetKey, shape)
        let views = (0..<batch).map { _ in KafkaMessageView(of: load.next()) }
        let steps = try ResourceSteps(views, by: ResourceHandler(fleetKey: fleetKey, verifier: TrustingVerifier()))
        var made = 0
        let began = ContinuousClock.now
        while made < count { made += steps.makeRecords().count }
        return Double(made) / (ContinuousClock.now - began).seconds
    }
}

/// Believes every sender: what decoding costs without cryptography.
struct TrustingVerifier: SignatureVerifier {
    func verify(_ message: KafkaMessageView, from cluster: String) throws(Reason) -> Int32 { 1 }
}

/// Knows one sender, whatever the message says.
struct OneCaller: CallerSource {
    func caller(of message: KafkaMessageView) throws(CallerError) -> Caller { Caller("ada") }
}

extension KafkaMessageView {
    /// A message as a lane sees it, without a broker between.
    init(of record: KafkaRecord, topic: String = "resource.changes") {
        let message = KafkaMessage(
            topic: record.topic,
            key: record.key,
            value: record.value,
            headers: record.headers
        )
        self.init(message, topic: topic)
    }
}
