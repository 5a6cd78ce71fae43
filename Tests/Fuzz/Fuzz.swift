import Foundation

/// libFuzzer calls this with one input after the other; `Scripts/fuzz` names the reader.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let before = clock()
    reader.read(Array(UnsafeBufferPointer(start: start, count: count)))
    // Time of the processor, so that a busy machine makes no findings.
    let seconds = Double(clock() - before) / Double(CLOCKS_PER_SEC)
    promise(seconds < 1, "\(seconds) s for \(count) bytes")
    return 0
}

private let reader: FuzzedReader = {
    let name = ProcessInfo.processInfo.environment["FUZZ_READER"] ?? ""
    guard let reader = FuzzedReader(rawValue: name) else {
        let names = FuzzedReader.allCases.map(\.rawValue).joined(separator: ", ")
        preconditionFailure("FUZZ_READER must be one of \(names), not '\(name)'")
    }
    return reader
}()

/// A broken promise ends the process, which is how libFuzzer learns of it.
func promise(_ isKept: Bool, _ what: @autoclosure () -> String, line: UInt = #line) {
    guard !isKept else { return }
    preconditionFailure(what(), line: line)
}
