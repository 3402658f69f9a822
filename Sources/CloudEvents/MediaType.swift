/// A content type taken apart as far as an event needs it.
struct MediaType {
    /// Type and subtype in lower case, without parameters.
    let essence: String

    init(_ text: String) {
        essence = text.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
    }

    /// Whether the value is a whole event, by the rule of the Kafka binding.
    var isCloudEvents: Bool { essence.hasPrefix("application/cloudevents") }

    /// Whether the value holds several events, which Kafka messages do not.
    var isBatch: Bool { essence.hasPrefix("application/cloudevents-batch") }

    /// Whether the value is a whole event in the one format that is read.
    var isCloudEventsJSON: Bool { essence == "application/cloudevents+json" }

    /// Whether data of this type are JSON.
    var isJSON: Bool { essence.isEmpty || essence.hasSuffix("/json") || essence.hasSuffix("+json") }
}
