package import Yams

/// A scalar of YAML as helm reads it.
///
/// Yams resolves plain scalars by YAML 1.1's core rules; a quoted one is always a text. Neither times such as `10:30`, which
/// those rules take for numbers to the base of 60, nor numbers beyond all bounds are any to helm.
package enum YAMLScalar {
    case null
    case bool(Bool)
    case integer(Int64)
    case decimal(Double)
    case text(String)

    /// Reads a scalar; `nil` for a node that is none.
    package init?(_ node: Node) {
        guard let text = node.scalar?.string else { return nil }
        self = .text(text)
        switch node.tag.description {
        case Tag.Name.null.rawValue: self = .null
        case Tag.Name.bool.rawValue: if let truth = node.bool { self = .bool(truth) }
        case Tag.Name.int.rawValue where !text.contains(":"):
            if let number = node.int { self = .integer(Int64(number)) }
        case Tag.Name.float.rawValue where !text.contains(":"):
            if let number = node.float, number.isFinite { self = .decimal(number) }
        default: break
        }
    }
}
