import CKernels

/// What an encoder's matrix products take; everything else is computed in float32.
package enum Precision: String, CaseIterable, Sendable {
    case float32
    /// Float32 with 16 bits less of fraction: cosines to float32 above 0.9999.
    case bfloat16
    /// Integers of 8 bits with a scale for each 128 neighbours: cosines to float32 above 0.999.
    case int8

    var kernel: kern_precision {
        switch self {
        case .float32: kern_float32
        case .bfloat16: kern_bfloat16
        case .int8: kern_int8
        }
    }
}

extension Kernels {
    /// The fastest whose vectors are as good as float32's: cosines of at least 0.999 for every text of our references.
    var bestPrecision: Precision { .int8 }
}
