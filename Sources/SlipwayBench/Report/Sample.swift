import Foundation

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
    /// What is asked of the figure, if something is.
    let mark: Mark?

    /// What is asked of a figure.
    enum Mark {
        case atLeast(Double)
        case atMost(Double)

        /// A figure that there is none of meets nothing.
        func isMet(by value: Double) -> Bool {
            switch self {
            case .atLeast(let bound): value >= bound
            case .atMost(let bound): value <= bound
            }
        }

        /// What is asked, and whether a value is that.
        func verdict(on value: Double) -> String {
            let asked =
                switch self {
                case .atLeast(let bound): String(format: "at least %g", bound)
                case .atMost(let bound): String(format: "at most %g", bound)
                }
            return "\(asked): \(isMet(by: value) ? "met" : "not met")"
        }
    }

    /// The pictures that the report draws.
    enum Picture: String, CaseIterable {
        case throughput = "Messages a second: Kafka to PostgreSQL to Kafka, its peers and the limits"
        case latency = "Milliseconds from produced to the status readable in Kafka, p99"
    }

    init(
        _ what: String,
        _ value: Double,
        _ unit: String,
        digits: Int = 0,
        picture: Picture? = nil,
        mark: Mark? = nil
    ) {
        (self.what, self.value, self.unit, self.digits) = (what, value, unit, digits)
        (self.picture, self.mark) = (picture, mark)
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
