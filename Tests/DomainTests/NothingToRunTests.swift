import Postgres
import Testing

@testable import Domain
@testable import WorkerRuntime

/// Versions of which neither an image nor a chart is known.
@Suite struct NothingToRunTests {
    private func code(_ outcome: Outcome) -> String? {
        if case .rejected(let reason) = outcome { "\(reason.code) \(reason.field ?? "")" } else { nil }
    }

    @Test(arguments: ["image = null", "image = ''"])
    func `a version of which nothing to run is known is not deployed, by whatever request`(image: String) throws {
        let world = try CommandWorld.ready()
        try world.deploy("1.0.0")
        try world.connection.script("update version set \(image)")
        func ask(_ verb: String, _ more: String) throws -> Outcome {
            let body = #"{"project":"shop","environment":"staging","instance":"web",\#(more)}"#
            return try world.request("instance.\(verb)", key: "shop/staging", body)
        }
        #expect(code(try world.deploy("1.1.0", instance: "other")) == "nothing_to_run version")
        #expect(code(try ask("upgrade", #""version":"1.1.0""#)) == "nothing_to_run version")
        #expect(code(try ask("configure", #""values":"color: blue""#)) == "nothing_to_run version")
        try world.connection.script("update application set chart_name = 'oci://registry.example/web'")
        #expect(try world.deploy("1.1.0", instance: "other") == .applied, "the application's chart can be rendered")
    }
}
