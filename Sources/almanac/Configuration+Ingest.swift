import Foundation
import Knowledge
import OpenAIWire
import Reading

/// How documents are read.
struct IngestSettings: Sendable {
    var reading = ReadingSettings()
    var converters: [Converter] = []

    /// The mapping `ingest` of the configuration file.
    mutating func apply(_ fields: Fields) throws {
        try fields.allowOnly([
            "readers", "timeout_seconds", "recognition_seconds", "memory_mb", "sandbox", "converters",
        ])
        reading.readers = try fields.integer("readers", in: 1...256) ?? reading.readers
        reading.timeoutSeconds = try fields.integer("timeout_seconds", in: 1...86_400) ?? reading.timeoutSeconds
        let recognition = try fields.integer("recognition_seconds", in: 0...86_400)
        reading.recognitionSeconds = recognition ?? reading.recognitionSeconds
        reading.memoryMegabytes = try fields.integer("memory_mb", in: 128...1_048_576) ?? reading.memoryMegabytes
        reading.sandbox = try fields.choice("sandbox") ?? reading.sandbox
        converters = try fields.objects("converters", maxCount: 32)?.map { try Converter(configured: $0) } ?? converters
    }
}

extension Converter {
    /// An element of `ingest.converters` in the configuration file.
    fileprivate init(configured fields: Fields) throws {
        try fields.allowOnly(["name", "suffixes", "command", "url", "body", "reads", "timeout_seconds", "memory_mb"])
        guard let output = try fields.choice("reads", of: Output.self) else { throw fields.missing("reads") }
        self.init(
            name: try fields.requiredString("name", maxLength: 64), suffixes: try Self.suffixes(fields),
            way: try Self.way(fields), output: output)
        timeoutSeconds = try fields.integer("timeout_seconds", in: 1...86_400) ?? timeoutSeconds
        memoryMegabytes = try fields.integer("memory_mb", in: 128...1_048_576) ?? memoryMegabytes
    }

    private static func suffixes(_ fields: Fields) throws -> Set<String> {
        guard let names = try fields.strings("suffixes", maxCount: 64, maxLength: 16) else {
            throw fields.missing("suffixes")
        }
        let suffixes = names.map { $0.lowercased() }
        guard !suffixes.isEmpty, suffixes.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(\.isLetterOrDigit) }) else {
            throw fields.invalid("suffixes", "must name at least one, each of letters and digits, without a dot")
        }
        return Set(suffixes)
    }

    private static func way(_ fields: Fields) throws -> Way {
        let command = try fields.strings("command", maxCount: 256, maxLength: 4_096)
        let url = try fields.string("url", maxLength: 2_048)
        switch (command, url) {
        case (let command?, nil):
            guard let program = command.first, !program.isEmpty else {
                throw fields.invalid("command", "must begin with a program")
            }
            guard command.contains(where: { $0.contains("{input}") }) else {
                throw fields.invalid("command", "must say where the file's path goes, by {input}")
            }
            return .command(command)
        case (nil, let url?):
            let parts = URLComponents(string: url)
            guard ["http", "https"].contains(parts?.scheme), parts?.host?.isEmpty == false else {
                throw fields.invalid("url", "must be an address that begins with http:// or https://")
            }
            return .service(url: url, body: try fields.choice("body") ?? .multipart)
        default: throw fields.invalid("command", "must be there unless 'url' is, and not both")
        }
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }
}
