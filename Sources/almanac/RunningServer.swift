import Foundation
import Logging

/// The file in a data directory that tells the command line where its server is, and a secret to speak to it.
///
/// Readable for the owner alone, who can read the whole directory anyway; the secret ends with the process.
struct RunningServer: Sendable {
    struct Address: Codable, Sendable {
        var url: String
        var secret: String
    }

    private let path: String

    init(directory: String) {
        path = directory + "/server.json"
    }

    func announce(url: String, secret: String, logger: Logger) {
        do {
            let data = try JSONEncoder().encode(Address(url: url, secret: secret))
            let temporary = path + ".new"
            guard FileManager.default.createFile(
                atPath: temporary, contents: data, attributes: [.posixPermissions: 0o600])
            else { throw CocoaError(.fileWriteUnknown) }
            _ = try? FileManager.default.removeItem(atPath: path)  // it need not be there
            try FileManager.default.moveItem(atPath: temporary, toPath: path)
        } catch {
            logger.warning("the command line will not find this server", metadata: ["error": "\(error)"])
        }
    }

    func withdraw() {
        try? FileManager.default.removeItem(atPath: path)  // a stale address does no harm: nobody answers there
    }

    /// The announced server, whether or not it still runs.
    var address: Address? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSONDecoder().decode(Address.self, from: data)  // a half-written file is no server
    }
}
