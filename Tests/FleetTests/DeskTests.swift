import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

/// What an operator can do about messages that wait or were given up.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct DeskTests {
    private func send(_ type: String, key: String, id: String, _ body: String, _ world: FleetWorld) throws {
        try world.send("deployment.requests", key: key, type: "slipway.\(type)", id: id, value: Array(body.utf8))
    }

    private func slipway(_ arguments: [String], _ world: FleetWorld, token: Bool = false) throws -> (Int32, String) {
        let process = try world.start("slipway", arguments, token ? ["SLIPWAY_TOKEN": world.token] : [:])
        return (try process.exitCode(), process.output)
    }

    @Test func `a waiting message is listed, tried again and given up, and its key goes on in order`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        _ = try world.start("outbox-relay")
        _ = try world.start(
            "deployment-worker",
            [],
            ["SLIPWAY_RETRY_ATTEMPTS": "100", "SLIPWAY_RETRY_MILLISECONDS": "600000"]
        )
        try send("project.create.v2", key: "shop", id: "newer", #"{"project":"shop"}"#, world)
        try send("project.create.v1", key: "shop", id: "behind", #"{"project":"shop"}"#, world)
        _ = try eventually("both wait") {
            try world.number("select coalesce(sum(messages), 0)::bigint from parked_key") == 2 ? true : nil
        }
        let (code, list) = try slipway(["parked"], world)
        #expect(code == 0 && list.contains("shop") && list.contains("unknown_version"), "\(list)")
        #expect(try slipway(["parked", "list", "--key", "other"], world).1.contains("no key waits"))
        #expect(try slipway(["parked", "retry", "--dry-run"], world).1.contains("shop"))
        #expect(try slipway(["parked", "retry", "--key", "shop"], world).1.contains("1 keys are tried at once"))
        _ = try eventually("it was tried") {
            try world.number("select max(attempt)::bigint from parked_key") == 1 ? true : nil
        }
        #expect(try slipway(["parked", "drop"], world).0 == 64, "nothing is given up without a choice")
        #expect(try slipway(["parked", "drop", "--key", "shop", "--dry-run"], world).0 == 0)
        #expect(try world.number("select count(*) from parked_message") == 2)
        #expect(try slipway(["parked", "drop", "--key", "shop"], world).1.contains("1 messages are given up"))
        _ = try eventually("the one behind is done") {
            try world.number("select count(*) from command where state = 'succeeded'") == 1 ? true : nil
        }
        #expect(try world.number("select count(*) from parked_key") == 0)
        _ = try eventually("an empty outbox") { try world.number("select count(*) from outbox") == 0 ? true : nil }
        let letters = try world.messages(on: "deployment.requests.dlt")
        #expect(letters.map { $0.header("slipway-reason-code") } == ["dropped"])
        #expect(try world.ledgerCloses())
        #expect(
            try world.database.query("select operation from audit where decided_by = 'slipway' order by id")
                .map { try $0.string(0) } == ["parked.retry", "parked.drop"]
        )
    }

    @Test func `the lag of a partition that is not there any more is unknown, and the others are told`() throws {
        let world = try FleetWorld(topics: ["agent.status"], partitions: 1)
        try world.send("agent.status", key: "c", type: "t", id: "1", value: Array("{}".utf8))
        try world.database.script(
            """
            insert into partition_claim (consumer_group, topic, partition, next_offset)
                values ('slipway.agent-worker', 'agent.status', 0, 0), ('slipway.agent-worker', 'agent.status', 7, 3),
                    ('slipway.agent-worker', 'agent.output', 0, 3)
            """
        )
        let (code, text) = try slipway(["lag"], world)
        #expect(code == 0, "\(text)")
        let lines = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.contains("slipway.agent-worker agent.status 2 1 + ? -"), "\(text)")
        #expect(lines.contains("slipway.agent-worker agent.output 1 ? -"), "\(text)")
    }

    @Test func `what is stuck is told with who must act`() throws {
        let world = try FleetWorld(topics: DoneOnceTests.topics, partitions: 1)
        let worker = try world.start("deployment-worker")
        _ = try world.start("outbox-relay")
        _ = try eventually("it consumes") { try world.number("select count(*) from partition_claim") > 0 ? true : nil }
        let (fine, nothing) = try slipway(["stuck"], world)
        #expect(fine == 0 && nothing.contains("nothing is stuck"), "\(nothing)")
        try world.database.script(
            """
            insert into outbox_failed (topic, key, headers, value, reason_code, reason)
                values ('cdevents', 'k', '', 'v', 'not_deliverable', 'Message size too large.');
            insert into cluster (cluster, name, state, created_at) values ('away', 'away', 'lost', now());
            insert into project (project, name, created_at) values ('shop', 'shop', now());
            insert into environment (project, environment, cluster, namespace, state, created_at)
                values ('shop', 'leaving', 'away', 'shop-leaving', 'deleting', now());
            insert into command (id, operation, cluster, key, subject_kind, subject_name, state, revision, caller,
                request_source, request_id, request_type, created_at, changed_at, deadline, step_seconds, settle_seconds,
                failure_seconds)
            values (gen_random_uuid(), 'instance.deploy', 'away', 'shop/staging', 'instance', 'web', 'sent', 1, 'olga', '/s',
                '1', 't', now(), now(), now() + interval '1 hour', '{60,300,600}', 10, 60)
            """
        )
        worker.signal(SIGTERM)
        #expect(try worker.exitCode() == 0)
        let (code, text) = try slipway(["stuck"], world)
        #expect(code == 1)
        for part in [
            "message 1 to cdevents", "Message size too large", "cluster away", "its agent is lost", "start the worker",
            "deletion of the environment shop/leaving", "send environment.delete again",
        ] {
            #expect(text.contains(part), "\(part): \(text)")
        }
        func lines(_ arguments: String...) throws -> Int {
            struct Line: Decodable {}
            let json = try slipway(["stuck", "list", "--json"] + arguments, world).1
            return try JSONDecoder().decode([Line].self, from: Data(json.utf8)).count
        }
        #expect(try lines("--topic", "cdevents") == 1)
        #expect(try lines("--key", "k") == 1)
        #expect(try lines("--cluster", "away") == 2, "its open commands, and what cannot be deleted")
        #expect(try lines("--cluster", "away", "--key", "shop/leaving") == 1)
        #expect(try lines("--topic", "other") == 0)
        #expect(try slipway(["stuck", "list", "--topic", "other"], world).0 == 0)
    }

    @Test func `an act that cannot be written down is not done`() throws {
        let world = try FleetWorld(topics: [])
        try world.database.script(
            """
            insert into parked_key (consumer_group, topic, key, partition, due, attempt, messages, bytes, reason_code,
                    reason, parked_at)
                values ('slipway.agent-worker', 'agent.output', 'a', 0, now(), 3, 1, 1, 'code', 'Reason.', now());
            insert into outbox_failed (topic, key, headers, value, reason_code, reason)
                values ('cdevents', 'k', '', 'v', 'not_deliverable', 'No.');
            alter table audit add constraint closed check (decided_by <> 'slipway') not valid
            """
        )
        for act in [
            ["parked", "retry"], ["parked", "drop", "--key", "a"], ["stuck", "retry"], ["stuck", "drop", "--key", "k"],
        ] {
            #expect(try slipway(act, world).0 == 1, "\(act)")
        }
        #expect(try world.number("select attempt + dropped::bigint from parked_key") == 3)
        #expect(try world.number("select count(*) from outbox_failed") == 1)
        #expect(try world.number("select count(*) from outbox") == 0)
    }

    @Test func `what was set aside is sent again in its order, of compacted topics the newest state, or forgotten`()
        throws
    {
        let world = try FleetWorld(topics: ["instance.status", "deployment.results"], partitions: 1)
        try world.database.script(
            """
            insert into project (project, name, created_at) values ('p', 'p', now());
            insert into cluster (cluster, name, created_at) values ('c1', 'c1', now());
            insert into environment (project, environment, cluster, namespace, state, revision, created_at)
                values ('p', 'staging', 'c1', 'shop', 'active', 2, now());
            insert into instance (environment_id, instance, application, cluster, namespace, desired_version, state,
                generation, revision, changed_at)
                select id, 'web', 'web', 'c1', 'shop', '1.0.0', 'running', 7, 21000, now() from environment;
            insert into outbox_failed (topic, key, headers, value, reason_code, reason)
                select 'deployment.results', 'p/staging', '', convert_to('result ' || n, 'UTF8'), 'not_deliverable', 'No.'
                from generate_series(1, 250) n;
            insert into outbox_failed (topic, key, headers, value, reason_code, reason)
                values ('instance.status', 'p/staging/web', '', '{"revision":20000}', 'not_deliverable', 'No.'),
                    ('cdevents', 'k', '', 'v', 'not_deliverable', 'No.')
            """
        )
        let (_, doctor) = try slipway(["doctor"], world)
        #expect(doctor.contains("252 messages were refused by the broker"), "\(doctor)")
        #expect(try slipway(["stuck", "retry", "--dry-run"], world).1.contains("252 messages are meant"))
        #expect(try slipway(["stuck", "drop"], world).0 == 64, "nothing is forgotten without a choice")
        #expect(try slipway(["stuck", "drop", "--topic", "cdevents", "--dry-run"], world).1.contains("cdevents"))
        #expect(try world.number("select count(*) from outbox_failed") == 252)
        #expect(try slipway(["stuck", "drop", "--topic", "cdevents"], world).1.contains("1 messages are forgotten"))
        let (code, text) = try slipway(["stuck", "retry"], world)
        #expect(code == 0)
        #expect(
            text.contains("250 messages are sent again; the newest states are published in place of 1"),
            "\(text)"
        )
        #expect(try world.number("select count(*) from outbox_failed") == 0)
        _ = try world.start("outbox-relay")
        _ = try world.start("timekeeper")
        let state = try eventually("the newest state") { try world.messages(on: "instance.status").last }
        #expect(state.withValue { String(decoding: $0, as: UTF8.self) }?.contains(#""revision":21000"#) == true)
        let results = try eventually("all results") { () throws -> [KafkaMessage]? in
            let messages = try world.messages(on: "deployment.results")
            return messages.count >= 250 ? messages : nil
        }
        #expect(
            results.map { $0.withValue { String(decoding: $0, as: UTF8.self) } ?? "" }
                == (1...250).map { "result \($0)" }
        )
        #expect(
            try world.database.query("select operation from audit where decided_by = 'slipway' order by id")
                .map { try $0.string(0) } == ["stuck.drop", "stuck.retry"]
        )
    }

    @Test func `a group is a worker's whatever the topic prefix ends in, and keys may be any bytes`() throws {
        let world = try FleetWorld(topics: [])
        try world.database.script(
            """
            insert into worker (id, name, host, pid, version, seen_at)
                values (gen_random_uuid(), 'agent-worker', 'h', 1, 1, now() + interval '1 day');
            insert into partition_claim (consumer_group, topic, partition, next_offset)
                values ('acme-agent-worker', 'agent.status', 0, 1), ('acme-agent-worker.two', 'agent.status', 1, 1),
                    ('acme-agent-workers', 'agent.status', 2, 1), ('slipway.agent-worker', 'agent.status', 3, 1);
            insert into parked_key (consumer_group, topic, key, partition, due, attempt, messages, bytes, reason_code,
                    reason, parked_at)
                values ('acme-agent-worker', 'agent.output', '\\xff61', 0, now() - interval '1 hour', 1, 1, 1, 'code',
                    'Reason.', now());
            """
        )
        let process = try world.start("slipway", ["stuck"], ["SLIPWAY_TOPIC_PREFIX": "acme-"])
        #expect(try process.exitCode() == 1)
        let text = process.output
        for part in ["partition 0 of agent.status", "partition 1 of agent.status"] {
            #expect(!text.contains(part), "\(part): \(text)")
        }
        for part in [
            "no worker of the group acme-agent-workers lives", "no worker of the group slipway.agent-worker lives",
            #"parked key \377a of agent.output"#,
        ] {
            #expect(text.contains(part), "\(part): \(text)")
        }
    }

    @Test func `a cell of a table is told whole, whatever its characters are made of`() throws {
        let world = try FleetWorld(topics: [])
        let reason = "The 👩‍👩‍👧‍👦 of cafe\u{301}s and re\u{301}sume\u{301}s is refused by the broker"
        try world.database.query(
            """
            insert into outbox_failed (topic, key, headers, value, reason_code, reason)
                values ('cdevents', 'k', '', 'v', 'not_deliverable', $1)
            """,
            [.text(reason)]
        )
        let (code, text) = try slipway(["stuck"], world)
        #expect(code == 1 && text.contains(reason + "  whoever runs the broker"), "\(text)")
    }

    @Test func `where more is stuck than is shown, it says so`() throws {
        let world = try FleetWorld(topics: [])
        try world.database.script(
            """
            insert into outbox_failed (topic, key, headers, value, reason_code, reason)
                select 'cdevents', convert_to('k' || n, 'UTF8'), '', 'v', 'not_deliverable', 'No.'
                from generate_series(1, 101) n
            """
        )
        let all = try slipway(["stuck"], world).1
        #expect(all.contains("there is more: 100 lines of a kind are shown"), "\(all)")
        #expect(!all.contains("message 101 to"))
        let one = try slipway(["stuck", "list", "--key", "k101"], world).1
        #expect(one.contains("message 101 to cdevents") && !one.contains("there is more"), "\(one)")
    }

    @Test func `what others wrote moves no cursor and breaks no line`() throws {
        let world = try FleetWorld(topics: ["release.events.dlt"], partitions: 1)
        try world.send(
            "release.events.dlt",
            key: "a\u{1B}]0;b\u{7}\nc",
            type: "t\u{1B}[2J",
            id: "i",
            headers: [("slipway-reason-code", "x\u{9B}1m")],
            value: Array("{}".utf8)
        )
        for command in [
            ["dlt", "list", "release.events"], ["dlt", "show", "release.events", "--offset", "0"],
            ["dlt", "replay", "release.events", "--dry-run"],
        ] {
            let (code, text) = try slipway(command, world)
            #expect(code == 0 && text.contains(#"t\u{1b}[2J"#), "\(text)")
            #expect(!text.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
        }
        #expect(try slipway(["dlt", "list", "release.events"], world).1.contains(#"a\u{1b}]0;b\u{7}\nc"#))
    }
}
