import CKernels
import Foundation

/// The C kernels of one instruction set, chosen once.
///
/// `@unchecked Sendable`: the pointer leads to a constant table in the program's image.
struct Kernels: @unchecked Sendable {
    let table: UnsafePointer<kern_table>

    /// The fastest that this machine can run.
    static let best = Kernels(table: kern_table_best())

    /// Every set that this machine can run, the slowest first.
    static var all: [Kernels] {
        [
            kern_isa_portable, kern_isa_avx2, kern_isa_avx512, kern_isa_avx512_vnni, kern_isa_avx512_bf16,
            kern_isa_avx512_amx, kern_isa_neon, kern_isa_neon_dot,
        ].compactMap { isa in kern_table_for(isa).map { Kernels(table: $0) } }
    }

    /// The set of that name, if there is one and this machine can run it.
    static func named(_ name: String) -> Kernels? { all.first { $0.name == name } }

    /// `portable`, `avx2`, `avx512`, `avx512_vnni`, `avx512_bf16`, `avx512_amx`, `neon` or `neon_dot`.
    var name: String { String(cString: table.pointee.name) }
}

/// A block of floats, or of other words of 32 bits, outside Swift's arrays, aligned for the kernels.
///
/// `@unchecked Sendable`: whoever makes it fills it before sharing it; afterwards it is only read, or has one user at a
/// time (a batch's workspace).
final class FloatBuffer: @unchecked Sendable {
    /// From here on huge pages are asked for: scanning 150 MB then takes 5 ms instead of 7 (measured on Zen 4).
    private static let hugeBytes = 4 << 20
    private static let hugePage = 2 << 20

    let base: UnsafeMutablePointer<Float>
    let count: Int

    /// Not initialised.
    init(count: Int) {
        let size = max(count, 1) * MemoryLayout<Float>.stride
        let isHuge = size >= Self.hugeBytes
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: isHuge ? Self.hugePage : 64)
        #if os(Linux)
            // A wish; without it everything works as well.
            if isHuge { _ = madvise(bytes, size, MADV_HUGEPAGE) }
        #endif
        base = bytes.bindMemory(to: Float.self, capacity: max(count, 1))
        self.count = count
    }

    deinit {
        UnsafeMutableRawPointer(base).deallocate()
    }
}
