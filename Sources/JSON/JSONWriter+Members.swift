extension JSONWriter {
    /// Writes a member that is an object.
    public mutating func member<Failure: Error>(
        _ name: StaticString,
        object body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        key(name)
        try object(body)
    }

    /// Writes a member that is an array; the closure writes its elements.
    public mutating func array<Failure: Error>(
        _ name: StaticString,
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        key(name)
        try array(body)
    }

    /// Writes a member that is an array of texts.
    public mutating func member(_ name: StaticString, array texts: [String]) {
        array(name) { json in
            for text in texts { json.value(text) }
        }
    }

    /// Writes a member that is a text, or null.
    public mutating func member(_ name: StaticString, _ text: String?) {
        key(name)
        if let text { value(text) } else { null() }
    }

    /// Writes a member that is a whole number.
    @inlinable public mutating func member(_ name: StaticString, _ number: some BinaryInteger) {
        key(name)
        value(number)
    }

    /// Writes a member that is a whole number, or null.
    @inlinable public mutating func member(_ name: StaticString, _ number: (some BinaryInteger)?) {
        key(name)
        if let number { value(number) } else { null() }
    }

    /// Writes a member that is a number; infinity and NaN become null.
    public mutating func member(_ name: StaticString, _ number: Double) {
        key(name)
        value(number)
    }

    /// Writes a member that is a truth value.
    public mutating func member(_ name: StaticString, _ truth: Bool) {
        key(name)
        value(truth)
    }

    /// Writes a member that is JSON already.
    public mutating func member(_ name: StaticString, json bytes: [UInt8]) {
        key(name)
        value(json: bytes)
    }

    /// Writes a member that is null.
    public mutating func null(_ name: StaticString) {
        key(name)
        null()
    }
}
