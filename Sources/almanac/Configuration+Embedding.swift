import OpenAIWire
import Vectors

/// How the local embedding model is computed.
struct EmbeddingSettings: Sendable {
    /// Nil means the fastest whose vectors are as good as float32's.
    var precision: Precision?
    /// The instruction set; nil means the best that this processor has.
    var kernel: String?
    /// Nil means as many as for everything else.
    var threads: Int?
    /// Local models beside the standard one, for knowledge bases that were made with them or are to change to them.
    var others: [String] = []

    /// The mapping `embedding` of the configuration file.
    mutating func apply(_ fields: Fields) throws {
        try fields.allowOnly(["precision", "kernel", "threads", "others"])
        try choose(precision: try fields.string("precision", maxLength: 64), in: fields.path(of: "precision"))
        try choose(kernel: try fields.string("kernel", maxLength: 64), in: fields.path(of: "kernel"))
        threads = try fields.integer("threads", in: 1...256) ?? threads
        others = try fields.strings("others", maxCount: 16, maxLength: 256) ?? others
    }

    mutating func apply(environment: [String: String]) throws {
        try choose(precision: environment["ALMANAC_EMBEDDING_PRECISION"], in: "ALMANAC_EMBEDDING_PRECISION")
        try choose(kernel: environment["ALMANAC_KERNEL"], in: "ALMANAC_KERNEL")
        if let list = environment["ALMANAC_EMBEDDING_OTHERS"] {
            others = list.split(separator: ",").map { $0.trimmingPrefix(" ") }.map(String.init)
        }
    }

    /// - Parameters:
    ///   - precision: Nil leaves what was set before.
    ///   - setting: What the user knows it by.
    mutating func choose(precision: String?, in setting: String) throws {
        guard let precision else { return }
        self.precision = Precision(rawValue: try Self.one(of: Precision.allCases.map(\.rawValue), precision, setting))
    }

    mutating func choose(kernel: String?, in setting: String) throws {
        guard let kernel else { return }
        self.kernel = try Self.one(of: LocalEmbedder.kernels, kernel, setting)
    }

    private static func one(of known: [String], _ value: String, _ setting: String) throws -> String {
        guard known.contains(value) else {
            throw ConfigurationError(
                "\(setting): '\(value)' is unknown here.\(value.hint(among: known)) "
                    + "Known: \(known.joined(separator: ", ")).")
        }
        return value
    }
}
