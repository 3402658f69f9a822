import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

@testable import FleetCheck

/// What the checker reads: topics, the database, and its own files.
@Suite(.timeLimit(.minutes(2))) struct ObservationTests {
    private let path = NSTemporaryDirectory() + "slipway-observation-\(UUID().uuidString).jsonl"

    @Test func `every message of every topic with the prefix is written down in order, also what is no text`() throws {
        let broker = try KafkaMockCluster()
        for topic in ["slipway.a", "slipway.b", "other"] { try broker.createTopic(topic, partitions: 1) }
        let producer = try KafkaProducer(broker.settings)
        let values: [[UInt8]?] = [Array("{}".utf8), [0xFF, 0x00], nil]
        for topic in ["slipway.a", "slipway.b", "other"] {
            for value in values {
                let record = KafkaRecord(
                    topic: topic,
                    key: Array("k".utf8),
                    value: value,
                    headers: [KafkaHeader("ce_id", "7"), KafkaHeader("authorization", "Bearer secret")]
                )
                try producer.send(record, tag: 0)
            }
        }
        _ = try producer.flush(timeout: .seconds(20))
        producer.close()
        try TopicObserver(broker.settings, prefix: "slipway.", path: path).run { true }
        let messages = try readLines(SeenMessage.self, of: path)
        #expect(messages.count == 6)
        let first = messages.filter { $0.topic == "a" }
        #expect(first.map(\.offset) == [0, 1, 2])
        #expect(first.map(\.text) == ["{}", nil, nil])
        #expect(first.map(\.base64) == [nil, "/wA=", nil])
        #expect(first.map(\.isTombstone) == [false, false, true])
        #expect(first.allSatisfy { $0.headers == ["ce_id": "7"] }, "a token is never written down")
    }

    @Test func `an empty fleet's database can be read and breaks nothing`() throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        let database = try DatabaseReader(connection, prefix: "slipway.").read()
        #expect(Verdict(History(record: [], messages: [], database: database)).violations == [])
    }

    @Test func `what stands in the database is read`() throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        try connection.script(
            """
            insert into project (project, name, created_at) values ('p', 'p', now());
            insert into cluster (cluster, name, created_at) values ('c', 'c', now());
            insert into environment (project, environment, cluster, namespace, state, created_at)
                values ('p', 'e', 'c', 'p-e', 'active', now());
            insert into partition_claim (consumer_group, topic, partition, next_offset, consumed, applied, parked, released_stale)
                values ('slipway.g', 'resource.changes', 3, 9, 9, 7, 2, 1);
            insert into parked_key values ('slipway.g', 'resource.changes', 'k', 3, 'infinity', 1, 1, 1, 'code', 'reason', now());
            insert into parked_message (consumer_group, topic, key, partition, message_offset, timestamp_kind, timestamp_ms,
                headers, parked_at) values ('slipway.g', 'resource.changes', 'k', 3, 8, 0, 0, '', now());
            insert into resource_stream (cluster, namespace, epoch, sequence, snapshot_wanted, changed_at)
                values ('c', 'p-e', 1, 2, true, now());
            insert into resource (cluster, namespace, kind, name, api_version, uid, epoch, sequence, health, revision, changed_at)
                values ('c', 'p-e', 'Pod', 'a', 'v1', 'u', 1, 2, 'healthy', 4, now());
            insert into auto_deploy_rule (environment_id, application, instance, creator, enabled, created_at)
                select id, 'a', 'i', 'x', false, now() from environment;
            insert into application (project, application, artifact, created_at) values ('p', 'a', 'web', now());
            insert into command (id, operation, cluster, key, subject_kind, subject_name, project, environment, state, revision,
                caller, request_source, request_id, request_type, created_at, changed_at, deadline, step_seconds,
                settle_seconds, failure_seconds)
            select gen_random_uuid(), 'o', 'c', 'k', kind, name, project, environment, 'succeeded', number, 'x', '/s', kind, 't',
                now(), now(), now(), '{1,1,1}', 1, 1
            from (values (1, 'project', 'p', 'p', null), (2, 'environment', 'e', 'p', 'e'), (3, 'cluster', 'c', null, null),
                (4, 'auto-deploy', 'i', 'p', 'e')) one (number, kind, name, project, environment);
            """
        )
        let state = try DatabaseReader(connection, prefix: "slipway.").read()
        let name = PartitionName(group: "slipway.g", topic: "resource.changes", partition: 3)
        #expect(state.claims.map(\.name) == [name])
        #expect(state.claims.first?.nextOffset == 9)
        #expect(state.claims.first?.released == Outcomes(stale: 1))
        #expect(state.parkedMessages == [name: 1])
        #expect(state.parked.first?.overdue == nil)
        #expect(state.wantedSnapshots == ["c/p-e"])
        #expect(state.resources.first?.position == StreamPosition(epoch: 1, sequence: 2))
        #expect(state.revisions[SubjectName(topic: "resource.status", key: "c/p-e/Pod/a")] == 4)
        #expect(state.revisions[SubjectName(topic: "environment.status", key: "p/e")] == 1)
        let statuses = [
            SubjectName(topic: "resource.status", key: "c/p-e/Pod/a"): StoredStatus(isGone: false, health: "healthy"),
            SubjectName(topic: "environment.status", key: "p/e"): StoredStatus(isGone: false, state: "active"),
        ]
        #expect(state.statuses == statuses)
        let about = ["auto-deploy p/e/i", "cluster c", "environment p/e", "project p"]
        #expect(state.commands.map(\.about).sorted() == about)
        #expect(state.rules == ["auto-deploy p/e/i": "web"])
        #expect(state.values == ["project p": "p", "cluster c": "c", "auto-deploy p/e/i": "disabled"])
    }

    @Test func `a record is read as it was written, and a broken line is named`() throws {
        let line = RecordLine(
            sent: SentMessage(
                topic: "deployment.requests",
                key: "k",
                source: "/s",
                id: "1",
                type: "t",
                at: 5,
                poison: "no JSON"
            )
        )
        let writer = try LineWriter<RecordLine>(path)
        try writer.write(line)
        try writer.write(RecordLine(sighting: Sighting(.staleFence, count: 2)))
        #expect(
            try readLines(RecordLine.self, of: path) == [line, RecordLine(sighting: Sighting(.staleFence, count: 2))]
        )
        try Data("{}\nnothing\n".utf8).write(to: URL(filePath: path))
        #expect(throws: UnreadableFile.self) { try readLines(RecordLine.self, of: path) }
    }
}
