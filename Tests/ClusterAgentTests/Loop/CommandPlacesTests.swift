import Testing

@testable import ClusterAgent

struct CommandPlacesTests {
    private func place(_ offset: Int64) -> CommandPlace { CommandPlace(partition: 0, offset: offset) }

    @Test func `the stored place is the lowest command that is not finished`() {
        var places = CommandPlaces()
        for offset in 10...12 { places.begin(place(Int64(offset))) }
        #expect(places.takeMoved() == [place(10)])
        places.finish(place(11))
        places.finish(place(12))
        #expect(places.takeMoved().isEmpty, "the slow first command holds it back")
        places.finish(place(10))
        #expect(places.takeMoved() == [place(13)])
        #expect(places.takeMoved().isEmpty)
    }
}
