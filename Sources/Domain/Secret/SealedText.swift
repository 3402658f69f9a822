import Sealing
import WorkerRuntime

/// A field whose text must be sealed.
enum SealedText {
    /// Refuses a text that stands in clear or is damaged; never quotes it.
    static func check(_ text: String, _ at: FieldPath) throws(Reason) {
        do throws(SealingError) {
            _ = try SealedField.parse(text)
        } catch {
            throw Reason(
                code: error.code.rawValue,
                sentence: "'\(at.text)' is refused: \(error.sentence)",
                field: at.text
            )
        }
    }
}
