import Domain
import Yams

/// What helm has rendered, read as leniently as helm reads it: values, which people write, are read strictly.
enum RenderedYAML {
    /// What stands before a key that another one of the same name has replaced.
    private static let replaced = "slipway.io-replaced-"
    /// How many such keys there may be: each has the text read once more.
    private static let mostReplaced = 200
    /// What ends a line, beside a carriage return.
    private static let breaks: Set<Unicode.Scalar> = ["\n", "\u{85}", "\u{2028}", "\u{2029}"]

    /// Reads the objects; of equal keys in a mapping the last counts, and in a list's place stand the objects in it.
    static func objects(_ text: String) throws(ManifestError) -> [ObjectValue] {
        var text = text
        var count = 0
        while true {
            do {
                let documents = try ObjectValue.read(yaml: text)
                return (count == 0 ? documents : documents.map(withoutReplaced)).flatMap(flattened)
            } catch {
                guard count < mostReplaced, case YamlError.duplicatedKeysInMapping(_, let context) = error,
                    let next = replacing(keyAt: context.mark, number: count, in: text)
                else { throw ObjectValue.unreadable(error) }
                text = next
                count += 1
            }
        }
    }

    /// Gives the key at a place another name.
    private static func replacing(keyAt mark: Mark, number: Int, in text: String) -> String? {
        var scalars = text.unicodeScalars
        var place = scalars.startIndex
        var line = 1
        while line < mark.line {
            guard place < scalars.endIndex else { return nil }
            let scalar = scalars[place]
            place = scalars.index(after: place)
            // A carriage return before a line feed ends no line of its own.
            let isBreak = breaks.contains(scalar)
            let isReturn = scalar == "\r" && !(place < scalars.endIndex && scalars[place] == "\n")
            if isBreak || isReturn { line += 1 }
        }
        guard var key = scalars.index(place, offsetBy: mark.column - 1, limitedBy: scalars.endIndex),
            key < scalars.endIndex
        else { return nil }
        if scalars[key] == "\"" || scalars[key] == "'" { key = scalars.index(after: key) }
        scalars.insert(contentsOf: "\(replaced)\(number)-".unicodeScalars, at: key)
        return String(scalars)
    }

    private static func withoutReplaced(_ value: ObjectValue) -> ObjectValue {
        switch value {
        case .object(let members):
            .object(
                members.filter { !$0.name.hasPrefix(replaced) }
                    .map { ObjectValue.Member($0.name, withoutReplaced($0.value)) }
            )
        case .array(let elements): .array(elements.map(withoutReplaced))
        case .null, .bool, .int, .double, .string: value
        }
    }

    /// The objects of a list, which is whatever has `items`, as helm sees it; what has none is an object itself.
    ///
    /// The objects of a list of one kind need not say which one they are.
    private static func flattened(_ object: ObjectValue) -> [ObjectValue] {
        guard let items = object["items"] else { return [object] }
        let list = object["kind"]?.string ?? ""
        let kind = list.hasSuffix("List") ? String(list.dropLast("List".count)) : ""
        return items.elements.flatMap { item -> [ObjectValue] in
            guard !kind.isEmpty, item["kind"] == nil, !item.members.isEmpty else { return flattened(item) }
            var item = item
            item["kind"] = .string(kind)
            if item["apiVersion"] == nil { item["apiVersion"] = object["apiVersion"] }
            return [item]
        }
    }
}
