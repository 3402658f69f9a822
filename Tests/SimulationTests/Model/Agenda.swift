/// Who acts when: a queue ordered by time, and by the order of entering where times are equal.
struct Agenda {
    struct Entry {
        let time: Int64
        let number: Int
        let who: Int
    }

    private var heap: [Entry] = []
    private var count = 0

    var next: Int64? { heap.first?.time }

    /// Enters somebody; returns the number by which the entry is known.
    mutating func enter(_ who: Int, at time: Int64) -> Int {
        count += 1
        heap.append(Entry(time: time, number: count, who: who))
        var place = heap.count - 1
        while place > 0, isBefore(place, (place - 1) / 2) {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
        return count
    }

    mutating func take() -> Entry? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < heap.count && isBefore(child, least) {
                least = child
            }
            guard least != place else { return first }
            heap.swapAt(place, least)
            place = least
        }
    }

    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        (heap[one].time, heap[one].number) < (heap[other].time, heap[other].number)
    }
}
