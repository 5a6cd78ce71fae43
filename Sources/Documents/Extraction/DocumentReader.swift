package import Foundation
package import Knowledge

/// Turns an uploaded file into text with structure, in whatever place is safe for the bytes.
package protocol DocumentReader: Sendable {
    /// - Parameter filename: The client's name for the file.
    /// - Throws: `DocumentFailure` where the document is at fault, `CancellationError`, and other errors where the reader
    ///   itself could not be used, which says nothing about the document.
    func read(_ data: Data, filename: String) async throws -> ExtractedText
}

/// Reads within this process: for documents that are trusted, and for tests.
package struct InProcessReader: DocumentReader {
    let workers: Workers

    package init(workers: Workers) {
        self.workers = workers
    }

    package func read(_ data: Data, filename: String) async throws -> ExtractedText {
        try await workers.run(.background) { try TextExtractor().extract(data, filename: filename) }
    }
}
