import Knowledge
import OpenAIWire
import Reading

/// How documents are read.
struct IngestSettings: Sendable {
    var reading = ReadingSettings()

    /// The mapping `ingest` of the configuration file.
    mutating func apply(_ fields: Fields) throws {
        try fields.allowOnly(["readers", "timeout_seconds", "memory_mb", "sandbox"])
        reading.readers = try fields.integer("readers", in: 1...256) ?? reading.readers
        reading.timeoutSeconds = try fields.integer("timeout_seconds", in: 1...86_400) ?? reading.timeoutSeconds
        reading.memoryMegabytes = try fields.integer("memory_mb", in: 128...1_048_576) ?? reading.memoryMegabytes
        reading.sandbox = try fields.choice("sandbox") ?? reading.sandbox
    }
}
