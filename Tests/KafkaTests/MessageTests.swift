import Kafka
import Testing

@Suite(.timeLimit(.minutes(1))) struct MessageTests {
    @Test func `a message keeps its key, value, headers and time`() async throws {
        try await onOwnThread {
            let world = try World()
            let headers = [
                KafkaHeader("ce_id", "1"), KafkaHeader(name: "nothing", value: nil),
                KafkaHeader(name: "empty", value: []),
                KafkaHeader("ce_id", "2"), KafkaHeader(name: "binary", value: [0xFF, 0, 1]),
            ]
            try world.send([
                KafkaRecord(
                    topic: world.topic,
                    key: Array("shop/production".utf8),
                    value: Array("{}".utf8),
                    headers: headers,
                    timestampMilliseconds: 1_700_000_000_123
                )
            ])
            let reader = Reader(try world.consumer())
            try reader.read(1)
            let message = try #require(reader.messages.first)
            #expect(message.topic == world.topic)
            #expect(message.topicPartition == world.place())
            #expect(message.offset == 0)
            #expect(message.nextPosition == KafkaPosition(world.place(), offset: 1))
            #expect(message.key == "shop/production")
            #expect(message.valueBytes == Array("{}".utf8))
            #expect(message.valueCount == 2)
            #expect(!message.isTombstone)
            #expect(message.headers == headers)
            message.forgetHeaders()
            message.forgetHeaders()
            #expect(message.headers == headers)
            message.forgetHeaders()
            #expect(message.header("ce_id") == "2")
            #expect(message.header("nothing") == nil)
            #expect(message.header("empty") == "")
            #expect(message.header("binary") == nil)
            #expect(message.header("absent") == nil)
            let time = KafkaTimestamp(kind: .createTime, millisecondsSince1970: 1_700_000_000_123)
            #expect(message.timestamp == time)
            #expect(reader.consumer.close(deadline: .seconds(5)))
            #expect(message.header("ce_id") == "2", "a message outlives its consumer")
        }
    }

    @Test func `null and empty are two things, in keys and in values`() async throws {
        try await onOwnThread {
            let world = try World()
            try world.send([
                KafkaRecord(topic: world.topic, key: nil, value: nil),
                KafkaRecord(topic: world.topic, key: [], value: []),
                KafkaRecord(topic: world.topic, key: [0xC3, 0x28], value: [1]),
            ])
            let reader = Reader(try world.consumer())
            try reader.read(3)
            let (null, empty, invalid) = (reader.messages[0], reader.messages[1], reader.messages[2])
            #expect(null.isTombstone && null.keyBytes == nil && null.valueBytes == nil && null.key == nil)
            #expect(null.headers.isEmpty)
            #expect(!empty.isTombstone)
            #expect(empty.keyBytes == [] && empty.valueBytes == [] && empty.key == "")
            #expect(invalid.keyBytes == [0xC3, 0x28] && invalid.key == nil)
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }

    @Test func `a message made from Swift values answers as a consumed one`() {
        let headers = [KafkaHeader("a", "1"), KafkaHeader(name: "b", value: nil), KafkaHeader("a", "2")]
        let message = KafkaMessage(
            topic: "orders",
            partition: 3,
            offset: 9,
            timestamp: KafkaTimestamp(kind: .logAppendTime, millisecondsSince1970: 5),
            key: Array("k".utf8),
            value: nil,
            headers: headers
        )
        var seen: [KafkaHeader] = []
        message.forEachHeader { name, value in
            seen.append(KafkaHeader(name: String(decoding: name, as: UTF8.self), value: value.map { Array($0) }))
        }
        #expect(seen == headers)
        #expect(message.headers == headers)
        #expect(message.header("a") == "2" && message.header("b") == nil)
        #expect(message.isTombstone && message.valueCount == 0 && message.key == "k")
        #expect(message.withValue { $0.count } == nil)
        #expect(message.timestamp.kind == .logAppendTime)
        #expect(message.topicPartition.description == "orders-3")
    }

    @Test func `a large message passes a small fetch size`() async throws {
        try await onOwnThread {
            let world = try World()
            let value = [UInt8](repeating: 7, count: 900_000)
            let small = KafkaRecord(topic: world.topic, value: [1])
            try world.send([small, KafkaRecord(topic: world.topic, value: value), small])
            let reader = Reader(try world.consumer())
            try reader.read(3)
            #expect(reader.messages.map(\.valueCount) == [1, 900_000, 1])
            #expect(reader.messages[1].withValue { $0.allSatisfy { $0 == 7 } } == true)
            #expect(reader.consumer.close(deadline: .seconds(5)))
        }
    }
}
