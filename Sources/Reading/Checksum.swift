/// FNV-1a over words of eight bytes: finds what was cut off or written in between, not what somebody made to fit.
struct Checksum {
    private(set) var value: UInt64 = 14_695_981_039_346_656_037

    mutating func add(_ bytes: some Collection<UInt8>) {
        let isDone = bytes.withContiguousStorageIfAvailable { add(UnsafeRawBufferPointer($0)) } != nil
        if !isDone { Array(bytes).withUnsafeBytes { add($0) } }
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let words = bytes.count / 8
        for word in 0..<words {
            mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self)))
        }
        for byte in bytes[(words * 8)...] { mix(UInt64(byte)) }
    }

    private mutating func mix(_ word: UInt64) {
        value = (value ^ word) &* 1_099_511_628_211
    }
}
