/// What carries a CloudEvent over Kafka: headers and a value.
///
/// A Kafka message adapts to it in a few lines.
public protocol CloudEventCarrier {
    /// The last header of that name as text; `nil` when there is none, it is null or it is not UTF-8.
    func header(_ name: String) -> String?

    /// Lends the value's bytes, which are valid inside the closure only; `nil` for a null value.
    func withValue<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R?

    /// Calls with each header whose name begins with `ce_`, in order: the whole name, and the text, or `nil` when it
    /// is null or not UTF-8.
    ///
    /// A carrier that leaves this out still carries the attributes of CloudEvents itself, but no extensions.
    func forEachAttributeHeader(_ body: (_ name: String, _ text: String?) -> Void)
}

extension CloudEventCarrier {
    /// Calls with the attributes of CloudEvents itself, which is all that can be found without a list of headers.
    public func forEachAttributeHeader(_ body: (_ name: String, _ text: String?) -> Void) {
        for attribute in CloudEventAttribute.allCases {
            guard let text = header(attribute.header) else { continue }
            body(attribute.header, text)
        }
    }

    /// The content type; empty where there is none.
    public var contentTypeHeader: String { header("content-type") ?? "" }

    /// The W3C trace that the headers tell of; `nil` where they tell of none that can be passed on.
    ///
    /// No message is refused for it: who gets a trace that he cannot use begins without one.
    public var trace: TraceContext? {
        TraceContext(parent: traceHeader("traceparent"), state: traceHeader("tracestate"))
    }

    /// A header of the trace, held to the rules of attributes.
    private func traceHeader(_ name: String) -> String? {
        guard let text = header(name), !text.isEmpty, CloudEventAttributes.isExtension(text) else { return nil }
        return text
    }
}

/// Headers and a value in memory, as a carrier of a CloudEvent: for tests, files and events that are made here.
public struct CloudEventMessage: CloudEventCarrier, Sendable {
    /// The headers in order.
    public let headers: [(name: String, value: [UInt8]?)]
    /// The value; `nil` for a tombstone.
    public let value: [UInt8]?

    /// Makes a message of bytes.
    public init(headers: [(name: String, value: [UInt8]?)], value: [UInt8]?) {
        self.headers = headers
        self.value = value
    }

    /// Makes a message of texts.
    public init(headers: [(String, String)], value: [UInt8]?) {
        self.init(headers: headers.map { (name: $0.0, value: Array($0.1.utf8)) }, value: value)
    }

    /// The last header of that name as text.
    public func header(_ name: String) -> String? {
        headers.last { $0.name == name }?.value.flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Lends the value's bytes, which are valid inside the closure only; `nil` for a null value.
    public func withValue<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        try value?.withUnsafeBytes(body)
    }

    /// Calls with each header whose name begins with `ce_`, in order.
    public func forEachAttributeHeader(_ body: (_ name: String, _ text: String?) -> Void) {
        for header in headers where header.name.hasPrefix("ce_") {
            body(header.name, header.value.flatMap { String(validating: $0, as: UTF8.self) })
        }
    }
}
