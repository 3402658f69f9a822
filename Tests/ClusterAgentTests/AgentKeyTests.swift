import Domain
import Foundation
import Kafka
import Testing

@testable import ClusterAgent

/// An agent signs with its first key and follows what is signed with any of its keys.
@Suite struct AgentKeyTests {
    static let one = Data(repeating: 1, count: 32).base64EncodedString()
    static let two = Data(repeating: 2, count: 32).base64EncodedString()

    @Test(
        arguments: [
            (one, 1, []), ("7:" + one, 7, []), ("2:" + two + ",1:" + one, 2, [1]), ("2:" + two + "," + one, 2, [1]),
        ] as [(String, Int32, [Int32])]
    )
    func `a text of keys is read`(text: String, number: Int32, former: [Int32]) throws {
        let key = try #require(AgentKey(text))
        #expect(key.keyID == number)
        #expect(key.key.base64 == (number == 2 ? Self.two : Self.one))
        #expect(key.former.keys.sorted() == former)
    }

    @Test(arguments: ["", "0:" + one, "x:" + one, "2:", "2:c2hvcnQ=", "1:" + one + ",", "1:" + one + ",1:" + two])
    func `a text that holds no keys is refused`(text: String) {
        #expect(AgentKey(text) == nil)
    }

    private func message(signedWith key: SigningKey, number: Int32) -> KafkaMessage {
        let type = AgentCommandType.helloRequested
        let value = Array("{}".utf8)
        let parts = value.withUnsafeBytes {
            SignedParts(
                .toAgent,
                topic: "agent.commands.east",
                key: "east",
                type: type,
                source: "/slipway/test",
                id: "1",
                subject: nil,
                time: nil,
                epoch: nil,
                sequence: nil,
                value: $0
            )
        }
        let headers = [
            ("ce_type", type), ("ce_source", "/slipway/test"), ("ce_id", "1"),
            (MessageSignature.header, key.sign(parts, keyID: number)),
        ]
        return KafkaMessage(
            topic: "agent.commands.east",
            key: Array("east".utf8),
            value: value,
            headers: headers.map { KafkaHeader($0.0, $0.1) }
        )
    }

    @Test(
        arguments: [
            (one, 1, true), (two, 2, true), (two, 1, false), (one, 2, false), (one, 3, false),
        ] as [(String, Int32, Bool)]
    )
    func `a command counts if the key of its number signed it`(key: String, number: Int32, counts: Bool) throws {
        let keys = try #require(AgentKey("2:\(Self.two),1:\(Self.one)"))
        let reader = CommandReader(
            keys: keys.former.merging([keys.keyID: keys.key]) { $1 },
            topic: "agent.commands.east"
        )
        let message = message(signedWith: try #require(SigningKey(base64: key)), number: number)
        do throws(CommandReader.Refusal) {
            let command = try reader.read(message)
            #expect(command?.content == .helloRequested)
            #expect(counts)
        } catch {
            #expect(!counts)
            #expect(number == 3 ? error.sentence.contains("key 3") : error.sentence.contains("not signed"))
        }
    }
}
