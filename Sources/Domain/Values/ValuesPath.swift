/// Where in values something stands: `service.ports[0].name`, `annotations["example.org/team"]`.
struct ValuesPath: Sendable, Hashable {
    let text: String

    /// The whole.
    static let root = ValuesPath(text: "")

    /// The path of a member; a name that is more than a word stands in quotes.
    func member(_ name: String) -> ValuesPath {
        let isWord =
            !name.isEmpty && name.utf8.allSatisfy { KubernetesSyntax.isAlphanumeric($0) || "-_".utf8.contains($0) }
        guard isWord else { return ValuesPath(text: text + "[\(RenderedValue.quoted(name))]") }
        return ValuesPath(text: text.isEmpty ? name : "\(text).\(name)")
    }

    /// The path of an element.
    func element(_ index: Int) -> ValuesPath { ValuesPath(text: "\(text)[\(index)]") }
}
