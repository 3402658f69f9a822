import Domain
import Postgres
import Testing

/// What the steps of the schema keep to, so that a fleet goes on while they are taken.
@Suite struct DomainMigrationTests {
    @Test func `each step has a number of its own, so that none comes in before one that is there already`() {
        let numbers = fleetMigrations.map { String($0.name.prefix { $0 != "_" }) }
        #expect(numbers.count == Set(numbers).count, "\(numbers)")
    }

    @Test func `a step that adds to what is there holds no table while it waits to index another`() {
        // What was released before stays as it is.
        for step in fleetMigrations where step.isExpansion && step.name > "V1012" {
            let tables = step.sql.matches(of: /create (?:unique )?index \w+ on (\w+)/).map { String($0.1) }
            #expect(Set(tables).count <= 1, "\(step.name)")
        }
    }
}
