import JSON
import Testing

/// What a decoder would silently accept, found with its path.
struct StrictJSONTests {
    private func fault(_ text: String) -> JSONError? {
        do throws(JSONError) {
            try JSONParser().validate(Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        (#"{"a":1,"a":2}"#, "a"), (#"{"metadata":{"labels":{"app":"x","b":1,"app":"y"}}}"#, "metadata.labels.app"),
        (#"{"a":[{"b":1},{"c":1,"c":1}]}"#, "a[1].c"), (#"[[{"x":1,"x":1}]]"#, "[0][0].x"),
        (#"{"a":1,"\u0061":2}"#, "a"), (#"{"a":{"a":1},"b":{"a":1},"b":1}"#, "b"), (#"{"":1,"":2}"#, ""),
    ])
    func `a repeated key is refused, and the path names it`(text: String, path: String) {
        let error = fault(text)
        #expect(error?.code == .duplicateKey)
        #expect(error?.path == path)
        #expect(error?.sentence.contains("'\(path)'") == true)
    }

    @Test(arguments: [
        (#"{"spec":{"name":"a\u0000b"}}"#, "spec.name"), (#"["x","\u0000"]"#, "[1]"), (#""\u0000""#, ""),
        (#"{"a":[[],{"b":[1,"\u0000"]}]}"#, "a[1].b[1]"),
    ])
    func `U+0000 is refused, and the path names the text`(text: String, path: String) {
        let error = fault(text)
        #expect(error?.code == .nulCharacter)
        #expect(error?.path == path)
    }

    @Test func `U+0000 in a key is refused, and the path can be printed`() {
        let error = fault(#"{"a":{"b\u0000\nc":1}}"#)
        #expect(error?.code == .nulCharacter)
        #expect(error?.path == "a.b??c")
    }

    @Test(arguments: [#"{"a":"\ud800"}"#, #"{"a":"\udc00"}"#, #"{"a":"\ud800\u0041"}"#, #"{"a":"x\ud83d"}"#])
    func `half of a surrogate pair is refused`(text: String) {
        // simdjson refuses some of them itself, as bad syntax.
        #expect([.loneSurrogate, .syntax].contains(fault(text)?.code))
    }

    @Test(arguments: [
        #"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}"#, #"{"a":"\\u0000","b":"\ud83d\ude80","c":"\ud7ff퟿"}"#, "{}", "[]",
        #"{"A":1,"a":2}"#, "1",
    ])
    func `what is fine passes`(text: String) {
        #expect(fault(text) == nil)
    }

    @Test func `a long path is cut`() {
        let key = String(repeating: "k", count: 1000)
        let error = fault("{\"\(key)\":1,\"\(key)\":2}")
        #expect(error?.code == .duplicateKey)
        #expect(error?.path == String(repeating: "k", count: 256))
    }

    @Test func `10,000 different keys pass and one repeat among them is found`() {
        let members = (0..<10_000).map { "\"k\($0)\":\($0)" }
        #expect(fault("{" + members.joined(separator: ",") + "}") == nil)
        #expect(fault("{" + (members + ["\"k77\":1"]).joined(separator: ",") + "}")?.path == "k77")
    }
}
