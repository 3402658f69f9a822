/// A decoder of bytes from outside, and good inputs to begin with.
struct FuzzTarget: Sendable, CustomStringConvertible {
    /// Reads one input; throws a ``FuzzFault`` where what it made of it breaks a promise.
    typealias Reader = ([UInt8]) throws -> Void

    /// What the decoder is called, here and as the folder of its corpus.
    let name: String
    /// The inputs that the contracts show.
    let examples: @Sendable () throws -> [[UInt8]]
    /// Makes a decoder, which is used for many inputs.
    let reader: @Sendable () throws -> Reader

    init(
        _ name: String,
        examples: @escaping @Sendable () throws -> [[UInt8]] = { [] },
        _ reader: @escaping @Sendable () throws -> Reader
    ) {
        (self.name, self.examples, self.reader) = (name, examples, reader)
    }

    /// Of a decoder that keeps nothing from one input to the next.
    init(_ name: String, each read: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.init(name) { read }
    }

    /// Of a decoder of texts.
    init(_ name: String, text read: @escaping @Sendable (String) throws -> Void) {
        self.init(name) { { try read(String(decoding: $0, as: UTF8.self)) } }
    }

    /// Every decoder.
    static let all = messages + identity + texts + certificates + kubernetes + stored

    /// The inputs that fuzzing begins with: what the contracts show, and the folder of the corpus.
    func corpus() throws -> [[UInt8]] { try examples() + Corpus.files(name) }

    var description: String { name }
}

/// A decoder broke a promise without ending the process.
struct FuzzFault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
