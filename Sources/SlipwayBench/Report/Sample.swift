/// One figure of one round.
struct Sample {
    /// What was measured, without the figure; the same in each round.
    let what: String
    let value: Double
    let unit: String
    /// How many digits behind the point say something.
    let digits: Int
    /// What is drawn beside each other; `nil` for what is in the table only.
    let picture: Picture?

    /// The pictures that the report draws.
    enum Picture: String, CaseIterable {
        case throughput = "Messages a second: Kafka to PostgreSQL to Kafka, its peers and the limits"
        case latency = "Milliseconds from produced to the status readable in Kafka, p99"
    }

    init(_ what: String, _ value: Double, _ unit: String, digits: Int = 0, picture: Picture? = nil) {
        (self.what, self.value, self.unit, self.digits, self.picture) = (what, value, unit, digits, picture)
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
