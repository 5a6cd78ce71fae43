import Foundation

/// Where a certificate and its key are, in PEM.
struct TLSFiles: Hashable, Sendable {
    var certificate: String
    var key: String
}

extension Configuration {
    /// The variables of text-generation-webui's API, which count before everything else, flags included: who moves from
    /// there keeps them.
    mutating func apply(webUI environment: [String: String]) throws {
        if let text = environment["OPENEDAI_PORT"] {
            guard let number = Int(text), (0...65_535).contains(number) else {
                throw ConfigurationError("OPENEDAI_PORT must be a number between 0 and 65535.")
            }
            port = number
        }
        try apply(certificate: environment["OPENEDAI_CERT_PATH"], key: environment["OPENEDAI_KEY_PATH"], "OPENEDAI_")
        if let debug = environment["OPENEDAI_DEBUG"], !["", "0", "false"].contains(debug.lowercased()) {
            logLevel = "debug"
        }
        if let model = environment["OPENEDAI_EMBEDDING_MODEL"], let name = model.split(separator: "/").last {
            // Written with or without its publisher; the folder among the models has the name alone.
            embeddingModel = String(name)
        }
        if let device = environment["OPENEDAI_EMBEDDING_DEVICE"], !["", "auto", "cpu"].contains(device.lowercased()) {
            notices.append("OPENEDAI_EMBEDDING_DEVICE is '\(device)', but embedding runs on the processor here")
        }
    }

    /// One of the two is no use without the other.
    mutating func apply(certificate: String?, key: String?, _ prefix: String) throws {
        switch (certificate, key) {
        case (nil, nil): return
        case (let certificate?, let key?):
            for path in [certificate, key] where !FileManager.default.isReadableFile(atPath: path) {
                throw ConfigurationError("TLS: \(path) cannot be read.")
            }
            tls = TLSFiles(certificate: certificate, key: key)
        default:
            throw ConfigurationError("TLS needs both a certificate and its key (\(prefix)…).")
        }
    }
}
