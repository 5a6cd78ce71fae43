import Dispatch
import Synchronization

/// A form gives the same parts, or is refused, however its bytes are cut on their way.
func readForm(_ bytes: [UInt8]) {
    let whole = form(bytes, cutAfter: max(1, bytes.count))
    for length in [1, 7] { promise(form(bytes, cutAfter: length) == whole, "a form depends on how it is cut") }
}

private struct Part: Equatable {
    var name: String
    var filename: String?
    var content: [UInt8] = []
}

/// nil where the form is refused.
private func form(_ bytes: [UInt8], cutAfter length: Int) -> [Part]? {
    let result = Mutex<[Part]?>(nil)
    let isDone = DispatchSemaphore(value: 0)
    // libFuzzer's thread has to wait: it knows nothing of tasks.
    Task {
        let parts = try? await parts(bytes, cutAfter: length)
        result.withLock { $0 = parts }
        isDone.signal()
    }
    isDone.wait()
    return result.withLock(\.self)
}

private func parts(_ bytes: [UInt8], cutAfter length: Int) async throws -> [Part] {
    var form = try MultipartReader(
        contentType: "multipart/form-data; boundary=b", body: Pieces(bytes: bytes, length: length))
    var parts: [Part] = []
    while let head = try await form.nextPart() {
        var part = Part(name: head.name, filename: head.filename)
        while let content = try await form.read() { part.content += content }
        parts.append(part)
    }
    return parts
}

private struct Pieces: AsyncSequence {
    var bytes: [UInt8]
    var length: Int

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: ArraySlice<UInt8>
        var length: Int

        mutating func next() async -> ArraySlice<UInt8>? {
            defer { rest = rest.dropFirst(length) }
            return rest.isEmpty ? nil : rest.prefix(length)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: bytes[...], length: length) }
}
