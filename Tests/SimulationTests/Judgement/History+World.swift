import Foundation

@testable import Domain
@testable import FleetCheck
@testable import WorkerRuntime

extension History {
    /// A run as the checker wants it: what was sent, what lies on the topics, what the database holds.
    init(_ world: World) {
        self.init()
        let poison = Set(world.load.poison.map { "\($0.partition)@\($0.offset)" })
        sent = world.load.sent.map { message in
            SentMessage(
                topic: message.topic,
                key: message.key,
                source: Request.source,
                id: message.request?.id ?? "",
                type: message.request?.type ?? "",
                partition: Int32(message.partition),
                offset: message.offset,
                poison: poison.contains("\(message.partition)@\(message.offset)") ? "a fault" : nil
            )
        }
        samples = world.samples.taken
        sightings = [Sighting(.staleFence, count: world.fencedCount)]
        messages = world.broker.topics.sorted { $0.key < $1.key }.flatMap { $0.value.flatMap { $0.map(\.seen) } }
        database = DatabaseState(world)
    }
}

extension DatabaseState {
    fileprivate init(_ world: World) {
        self.init()
        let tables = world.database
        commands = tables.commands.rows.values.map { command in
            StoredCommand(
                id: command.id.uuidString.lowercased(),
                source: command.requestSource,
                request: command.requestID,
                state: command.state.rawValue,
                revision: command.revision,
                subject: "\(command.key)/\(command.subjectName)",
                generation: command.generation,
                isPastDeadline: command.deadline < world.now,
                about: "\(command.subjectKind) \(command.key)/\(command.subjectName)"
            )
        }
        steps = tables.steps.rows.map { row in
            StoredStep(
                command: row.command.uuidString.lowercased(),
                revision: row.step.revision,
                state: row.step.state.rawValue,
                isLate: row.step.isLate
            )
        }
        claims = tables.claims.rows.map { name, row in StoredClaim(name, row) }
        parked = tables.parked.rows.map { name, row in
            StoredParkedKey(
                name: PartitionName(group: "group", topic: name.topic, partition: Int32(row.partition)),
                key: name.key,
                overdue: Double(world.now - row.due) / 1_000_000,
                hasReason: true
            )
        }
        for (name, row) in tables.parked.rows {
            for message in row.messages {
                parkedMessages[
                    PartitionName(group: "group", topic: name.topic, partition: Int32(message.partition)),
                    default: 0
                ] += 1
            }
        }
        outbox = Int64(tables.outbox.count)
        resources = tables.resources.rows.map { id, state in
            StoredResource(
                cluster: id.stream.cluster,
                namespace: id.stream.namespace,
                kind: id.kind,
                name: id.name,
                uid: state.uid,
                position: .init(epoch: state.position.epoch, sequence: state.position.sequence),
                isGone: state.isGone
            )
        }
        for (name, entry) in tables.instances.rows {
            let subject = SubjectName(topic: "instance.status", key: "\(name.environment)/\(name.name)")
            revisions[subject] = entry.revision
            statuses[subject] = StoredStatus(isGone: entry.state == .deleted, state: entry.state.rawValue)
        }
        for (id, state) in tables.resources.rows where state.revision > 0 {
            let subject = SubjectName(topic: "resource.status", key: id.key)
            revisions[subject] = state.revision
            statuses[subject] = StoredStatus(isGone: state.isGone, health: state.assessment.health.rawValue)
        }
        wantedSnapshots = tables.streams.rows.filter(\.value.isSnapshotWanted)
            .map { "\($0.key.cluster)/\($0.key.namespace)" }
        gaps = tables.streams.rows.values.reduce(0) { $0 + $1.gaps }
    }
}

extension StoredClaim {
    fileprivate init(_ name: ClaimName, _ row: ClaimRow) {
        self.init(
            name: PartitionName(group: "group", topic: name.topic, partition: Int32(name.partition)),
            nextOffset: row.nextOffset,
            consumed: Int64(row.tally.consumed),
            outcomes: Outcomes(row.tally),
            parked: Int64(row.tally.parked),
            released: Outcomes(row.released),
            lost: 0,
            incarnation: 1
        )
    }
}

extension Outcomes {
    fileprivate init(_ tally: Tally) {
        self.init(
            applied: Int64(tally.applied),
            repeated: Int64(tally.repeated),
            stale: Int64(tally.stale),
            rejected: Int64(tally.rejected),
            deadLettered: Int64(tally.deadLettered)
        )
    }
}
