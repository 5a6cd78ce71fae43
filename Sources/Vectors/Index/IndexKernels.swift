import CKernels
import Foundation

/// The kernels with which an index searches: those for codes, and the dot product of floats.
///
/// `@unchecked Sendable`: the pointers lead to constant tables in the program's image.
struct IndexKernels: @unchecked Sendable {
    let codes: UnsafePointer<kern_index_table>
    let floats: UnsafePointer<kern_table>

    /// The fastest that this machine can run.
    static let best: IndexKernels = {
        guard let best = all.last else { preconditionFailure("the portable kernels run on every machine") }
        return best
    }()

    /// Every set that this machine can run, slowest first.
    static var all: [IndexKernels] {
        [kern_isa_portable, kern_isa_neon, kern_isa_neon_dot, kern_isa_avx2, kern_isa_avx512].compactMap { isa in
            kern_table_for(isa).flatMap { IndexKernels(isa: isa, floats: $0) }
        }
    }

    /// `portable`, `avx2`, `avx512`, `neon` or `neon_dot`; nil where this machine does not have it.
    static func named(_ name: String) -> IndexKernels? { all.first { $0.name == name } }

    var name: String { String(cString: codes.pointee.name) }

    private init?(isa: kern_isa, floats: UnsafePointer<kern_table>) {
        guard let codes = kern_index_table_for(isa) else { return nil }
        self.codes = codes
        self.floats = floats
    }

    /// The same sum in every call, whatever other rows are compared beside it.
    func dot(_ one: UnsafePointer<Float>, _ other: UnsafePointer<Float>, _ dimension: Int) -> Float {
        var product: Float = 0
        floats.pointee.dot_rows(one, other, 1, dimension, &product)
        return product
    }
}

/// Bytes outside Swift's arrays, aligned for the kernels, zero at first.
///
/// `@unchecked Sendable`: whoever makes it fills it before sharing it, each thread its own part; afterwards it is only
/// read.
final class AlignedBytes: @unchecked Sendable {
    /// From here on huge pages are asked for.
    private static let hugeBytes = 4 << 20
    private static let hugePage = 2 << 20

    let base: UnsafeMutableRawPointer
    let count: Int

    init(count: Int) {
        let isHuge = count >= Self.hugeBytes
        base = .allocate(byteCount: max(count, 64), alignment: isHuge ? Self.hugePage : 64)
        #if os(Linux)
            // A wish; without it everything works as well.
            if isHuge { _ = madvise(base, count, MADV_HUGEPAGE) }
        #endif
        base.initializeMemory(as: UInt8.self, repeating: 0, count: max(count, 64))
        self.count = count
    }

    deinit {
        base.deallocate()
    }

    func array<Element>(of type: Element.Type, at offset: Int) -> UnsafeMutablePointer<Element> {
        (base + offset).assumingMemoryBound(to: type)
    }
}
