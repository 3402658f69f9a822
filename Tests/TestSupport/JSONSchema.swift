public import Foundation

/// Checks JSON against a schema: the part of draft 2020-12 that the contracts use.
///
/// A keyword that it does not know is an error, so that no rule can pass unseen.
public struct JSONSchema {
    private let root: [String: Any]
    private static let notes: Set<String> = [
        "$schema", "$id", "title", "description", "default", "examples", "$comment", "$defs", "definitions",
    ]
    private static let known: Set<String> = notes.union([
        "type", "required", "properties", "additionalProperties", "enum", "const", "pattern", "minLength", "maxLength",
        "minimum", "maximum", "items", "minItems", "maxItems", "format", "$ref", "anyOf", "oneOf", "allOf",
        "uniqueItems",
    ])

    /// Reads a schema.
    public init(_ data: Data) throws {
        guard let root = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw NotSeen(description: "a schema that is an object")
        }
        self.root = root
    }

    /// What is wrong with a document; empty when it is valid.
    public func faults(of document: Any) throws -> [String] {
        try check(document, root, at: "")
    }

    private func check(_ value: Any, _ schema: [String: Any], at path: String) throws -> [String] {
        if let unknown = schema.keys.first(where: { !Self.known.contains($0) }) {
            throw NotSeen(description: "the schema keyword '\(unknown)' at '\(path)', which the checker does not know")
        }
        var faults: [String] = []
        if let reference = schema["$ref"] as? String { faults += try check(value, resolve(reference), at: path) }
        faults += checkType(value, schema, path)
        if let allowed = schema["enum"] as? [Any], !allowed.contains(where: { same($0, value) }) {
            faults.append("\(path): is not one of the allowed values")
        }
        if let constant = schema["const"], !same(constant, value) { faults.append("\(path): is not \(constant)") }
        if let text = value as? String { faults += checkText(text, schema, path) }
        if let number = value as? NSNumber, !isBool(value) { faults += checkNumber(number.doubleValue, schema, path) }
        if let object = value as? [String: Any] { faults += try checkObject(object, schema, path) }
        if let array = value as? [Any] {
            if let least = schema["minItems"] as? Int, array.count < least {
                faults.append("\(path): has too few items")
            }
            if let most = schema["maxItems"] as? Int, array.count > most {
                faults.append("\(path): has too many items")
            }
            if let items = schema["items"] as? [String: Any] {
                for (index, item) in array.enumerated() { faults += try check(item, items, at: "\(path)[\(index)]") }
            }
        }
        return try faults + checkCombinations(value, schema, path)
    }

    private func checkCombinations(_ value: Any, _ schema: [String: Any], _ path: String) throws -> [String] {
        var faults: [String] = []
        for part in schema["allOf"] as? [[String: Any]] ?? [] { faults += try check(value, part, at: path) }
        for name in ["anyOf", "oneOf"] {
            guard let parts = schema[name] as? [[String: Any]] else { continue }
            let fitting = try parts.filter { try check(value, $0, at: path).isEmpty }.count
            if fitting == 0 || (name == "oneOf" && fitting > 1) { faults.append("\(path): fits \(fitting) of \(name)") }
        }
        return faults
    }

    private func checkType(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
        let types = (schema["type"] as? [String]) ?? (schema["type"] as? String).map { [$0] } ?? []
        guard !types.isEmpty, !types.contains(where: { isOf($0, value) }) else { return [] }
        return ["\(path): is not \(types.joined(separator: " or "))"]
    }

    private func isOf(_ type: String, _ value: Any) -> Bool {
        switch type {
        case "object": value is [String: Any]
        case "array": value is [Any]
        case "string": value is String
        case "boolean": isBool(value)
        case "null": value is NSNull
        case "number": value is NSNumber && !isBool(value)
        case "integer":
            (value as? NSNumber).map { !isBool(value) && $0.doubleValue == $0.doubleValue.rounded() } ?? false
        default: false
        }
    }

    private func isBool(_ value: Any) -> Bool {
        guard let number = value as? NSNumber else { return value is Bool }
        return String(cString: number.objCType) == "c"
    }

    private func checkText(_ text: String, _ schema: [String: Any], _ path: String) -> [String] {
        var faults: [String] = []
        // Code points, as the specification says.
        let length = text.unicodeScalars.count
        if let least = schema["minLength"] as? Int, length < least { faults.append("\(path): is too short") }
        if let most = schema["maxLength"] as? Int, length > most { faults.append("\(path): is too long") }
        if let pattern = schema["pattern"] as? String,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            faults.append("\(path): does not match \(pattern)")
        }
        if schema["format"] as? String == "date-time",
            text.range(of: #"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"#, options: .regularExpression)
                == nil
        {
            faults.append("\(path): is no date and time")
        }
        return faults
    }

    private func checkNumber(_ number: Double, _ schema: [String: Any], _ path: String) -> [String] {
        var faults: [String] = []
        if let least = (schema["minimum"] as? NSNumber)?.doubleValue, number < least {
            faults.append("\(path): is too small")
        }
        if let most = (schema["maximum"] as? NSNumber)?.doubleValue, number > most {
            faults.append("\(path): is too large")
        }
        return faults
    }

    private func checkObject(_ object: [String: Any], _ schema: [String: Any], _ path: String) throws -> [String] {
        var faults: [String] = []
        for name in schema["required"] as? [String] ?? [] where object[name] == nil {
            faults.append("\(path).\(name): is missing")
        }
        let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
        for (name, value) in object {
            if let property = properties[name] {
                faults += try check(value, property, at: "\(path).\(name)")
            } else if let others = schema["additionalProperties"] as? [String: Any] {
                faults += try check(value, others, at: "\(path).\(name)")
            } else if schema["additionalProperties"] as? Bool == false {
                faults.append("\(path).\(name): is not allowed")
            }
        }
        return faults
    }

    private func resolve(_ reference: String) throws -> [String: Any] {
        let names = reference.split(separator: "/").dropFirst(reference.hasPrefix("#") ? 1 : 0)
        var here: Any = root
        for name in names {
            guard let next = (here as? [String: Any])?[String(name)] else {
                throw NotSeen(description: "the schema's '\(reference)'")
            }
            here = next
        }
        return here as? [String: Any] ?? [:]
    }

    private func same(_ one: Any, _ other: Any) -> Bool {
        (one as? NSObject)?.isEqual(other) ?? false
    }
}
