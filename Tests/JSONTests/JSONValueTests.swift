import JSON
import Testing

/// Reading values through the view.
struct JSONValueTests {
    private let parser = JSONParser()
    private let object = Array(
        #"{"kind":"Deployment","n":-7,"big":18446744073709551615,"d":2.5,"one":1.0,"t":true,"z":null,"s":"","list":[1,"a",{"b":[true]}],"o":{"x":1,"y":"é🚀"}}"#
            .utf8
    )

    @Test func `each property answers for its own type only`() throws {
        try parser.withDocument(object) { root in
            #expect(root["kind"]?.string == "Deployment")
            #expect(root["kind"]?.int == nil)
            #expect(root["n"]?.int == -7)
            #expect(root["n"]?.double == -7)
            #expect(root["n"]?.string == nil)
            #expect(root["big"]?.int == nil)
            #expect(root["big"]?.double == 0x1p64)
            #expect(root["d"]?.double == 2.5)
            #expect(root["d"]?.int == nil)
            #expect(root["one"]?.int == nil)
            #expect(root["t"]?.bool == true)
            #expect(root["z"]?.isNull == true)
            #expect(root["s"]?.string == "")
            #expect(root["absent"] == nil)
        }
    }

    @Test func `kinds and their words`() throws {
        try parser.withDocument(Array(#"[null,true,1,1.5,"a",[],{}]"#.utf8)) { root in
            var kinds: [JSONValue.Kind] = []
            root.forEachElement { kinds.append($0.kind) }
            #expect(kinds == [.null, .bool, .number, .number, .string, .array, .object])
            #expect(root[4]?.kindInWords == "a string")
            #expect(root[5]?.isArray == true)
            #expect(root[6]?.isObject == true)
            #expect(root.count == 7)
        }
    }

    @Test func `paths, indices and names known only at run time`() throws {
        try parser.withDocument(object) { root in
            #expect(root.path("o", "y")?.string == "é🚀")
            #expect(root.path("o", "y", "z") == nil)
            #expect(root.path("nothing", "y") == nil)
            #expect(root["list"]?[2]?["b"]?[0]?.bool == true)
            #expect(root["list"]?[3] == nil)
            #expect(root["list"]?[-1] == nil)
            #expect(root["kind"]?["x"] == nil)
            #expect(root["kind"]?[0] == nil)
            #expect(root[named: "kin" + "d"]?.string == "Deployment")
            #expect(root[named: ""] == nil)
        }
    }

    @Test func `members and elements come in order, and the closure may end the walk`() throws {
        struct Enough: Error {}
        try parser.withDocument(object) { root in
            var names: [String] = []
            root.forEachMember { name, _ in names.append(name) }
            #expect(names == ["kind", "n", "big", "d", "one", "t", "z", "s", "list", "o"])
            var seen = 0
            #expect(throws: Enough.self) {
                try root.forEachMember { (name, _) throws(Enough) in
                    seen += 1
                    if name == "big" { throw Enough() }
                }
            }
            #expect(seen == 3)
            root["kind"]?.forEachElement { _ in Issue.record("a string has no elements") }
            root["list"]?.forEachMember { _, _ in Issue.record("an array has no members") }
        }
    }

    @Test func `texts compare without a string`() throws {
        try parser.withDocument(object) { root in
            #expect(root["kind"]?.equals("Deployment") == true)
            #expect(root["kind"]?.equals("Deploymen") == false)
            #expect(root["kind"]?.equals("Deployments") == false)
            #expect(root["s"]?.equals("") == true)
            #expect(root["n"]?.equals("-7") == false)
            #expect(root["kind"]?.withUTF8 { $0.count } == 10)
            #expect(root["n"]?.withUTF8 { $0.count } == nil)
        }
    }
}
