import Glibc

/// Values that were made of bytes lately, found again by their bytes instead of being made anew.
///
/// The bytes decide the one place where a value is kept; another that comes to the same place takes it, so that senders
/// of ever new bytes cost no more than the making. Not sendable: one a lane.
final class RecentValues<Value> {
    private let keys: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>
    /// Initialized where the key at the same place has an address.
    private let values: UnsafeMutablePointer<Value>
    private let mask: Int
    private let longest: Int

    /// Makes room for values.
    ///
    /// - Parameters:
    ///   - places: How many values there is room for: a power of two.
    ///   - longest: The number of bytes beyond which a value is not kept.
    init(places count: Int, longest: Int) {
        precondition(count > 0 && count & (count - 1) == 0, "the number of places is a power of two")
        keys = .allocate(capacity: count)
        keys.initialize(repeating: UnsafeRawBufferPointer(start: nil, count: 0))
        values = .allocate(capacity: count)
        mask = count - 1
        self.longest = longest
    }

    deinit {
        for place in keys.indices { forget(place) }
        keys.deallocate()
        values.deallocate()
    }

    /// The value of these bytes; made, and kept in the place of what was there, when it is not known.
    ///
    /// - Parameter make: Makes the value; one that is `nil` is not kept.
    @inline(__always)
    func value(of bytes: UnsafeRawBufferPointer, or make: (UnsafeRawBufferPointer) -> Value?) -> Value? {
        let place = Int(truncatingIfNeeded: Self.hash(bytes)) & mask
        let key = keys[place]
        if key.count == bytes.count, let start = key.baseAddress, let other = bytes.baseAddress,
            memcmp(start, other, bytes.count) == 0
        {
            return values[place]
        }
        guard let value = make(bytes) else { return nil }
        keep(value, of: bytes, at: place)
        return value
    }

    private func keep(_ value: Value, of bytes: UnsafeRawBufferPointer, at place: Int) {
        guard (1...longest).contains(bytes.count) else { return }
        forget(place)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
        copy.copyMemory(from: bytes)
        (values + place).initialize(to: value)
        keys[place] = UnsafeRawBufferPointer(copy)
    }

    private func forget(_ place: Int) {
        guard keys[place].baseAddress != nil else { return }
        keys[place].deallocate()
        keys[place] = UnsafeRawBufferPointer(start: nil, count: 0)
        (values + place).deinitialize(count: 1)
    }

    /// Mixes the bytes eight at a time; the last eight may overlap those before.
    @inline(__always)
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: bytes.count)
        guard bytes.count >= 8 else {
            for byte in bytes { hash = hash << 8 ^ UInt64(byte) }
            return mixed(hash)
        }
        var place = 0
        while place + 8 < bytes.count {
            hash = mixed(hash ^ bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            place += 8
        }
        return mixed(hash ^ bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self))
    }

    /// The multiplier is that of Fibonacci hashing, 2^64 divided by the golden ratio.
    private static func mixed(_ hash: UInt64) -> UInt64 {
        let product = hash.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
