import Testing

@testable import JSON

@Suite struct JSONMembersTests {
    private static let names = JSONMemberNames("kind", "metadata", "a-name-that-is-longer-than-16-bytes", "missing")

    @Test func `members are found in one pass, the first of each name`() throws {
        let json =
            #"{"metadata":{"x":1},"kind":"Pod","kind":"Job","a-name-that-is-longer-than-16-bytes":true,"kinds":0}"#
        try JSONParser().withDocument(Array(json.utf8)) { root in
            let found = root.members(Self.names)
            #expect(found[0]?.string == "Pod")
            #expect(found[1]?["x"]?.int == 1)
            #expect(found[2]?.bool == true)
            #expect(found[3] == nil)
        }
    }

    @Test(arguments: ["[1]", "1", "null", #""kind""#, "{}"])
    func `what has no members has none`(_ json: String) throws {
        try JSONParser().withDocument(Array(json.utf8)) { root in
            #expect((0..<4).allSatisfy { root.members(Self.names)[$0] == nil })
        }
    }

    @Test func `texts of every short length are told apart, wherever they differ`() throws {
        for count in 0...40 {
            let text = String(repeating: "a", count: count)
            try JSONParser().withDocument(Array("\"\(text)\"".utf8)) { value in
                #expect(value.equals(text: text))
                #expect(!value.equals(text: text + "a"))
                for place in 0..<count {
                    var other = Array(text.utf8)
                    other[place] = UInt8(ascii: "b")
                    #expect(!value.equals(text: String(decoding: other, as: UTF8.self)))
                }
            }
        }
    }

    @Test func `a number is equal to no text and holds no byte`() throws {
        try JSONParser().withDocument(Array("47".utf8)) { value in
            #expect(!value.equals("47"))
            #expect(!value.equals(text: ""))
            #expect(!value.contains(byte: UInt8(ascii: "4")))
        }
        try JSONParser().withDocument(Array(#""a/b""#.utf8)) { value in
            #expect(value.contains(byte: UInt8(ascii: "/")))
            #expect(!value.contains(byte: UInt8(ascii: "c")))
        }
    }
}
