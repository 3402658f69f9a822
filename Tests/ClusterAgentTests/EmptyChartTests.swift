import Domain
import Testing

@testable import ClusterAgent

/// Charts of which the values leave nothing.
@Suite struct EmptyChartTests {
    @Test(arguments: ["", "---\n# only a comment\n---\n", "---\napiVersion: v1\nkind: List\nitems: []\n"])
    func `a chart that renders nothing is not taken by helm for a post-renderer that has failed`(
        text: String
    ) throws {
        let marking = ReleaseMarking(.web(), template: CommandMark(command: "c-1", generation: 1))
        let rendered = try PostRenderer(marking: marking).render(text)
        #expect(rendered.text.contains { !$0.isWhitespace })
        #expect(try ObjectValue.documents(yaml: rendered.text).isEmpty && rendered.references.isEmpty)
    }
}
