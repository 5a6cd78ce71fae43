import Documents
import Knowledge

/// Blocks are in order, disjoint, and cover all that is no white space; the text is canonical.
func checkStructure(of text: ExtractedText) {
    let bytes = Array(text.text.utf8)
    var end = 0
    for block in text.blocks {
        promise(block.bytes.lowerBound >= end && block.bytes.upperBound <= bytes.count, "blocks out of order")
        promise(!block.bytes.isEmpty, "an empty block")
        promise(bytes[end..<block.bytes.lowerBound].allSatisfy(isBlank), "text in no block")
        end = block.bytes.upperBound
    }
    promise(bytes[end...].allSatisfy(isBlank), "text behind the last block")
    promise(text.blocks.contains { $0.kind != .furniture }, "a document without anything to index")
    for scalar in text.text.unicodeScalars {
        let isControl = scalar.value < 0x20 && scalar != "\n" && scalar != "\t"
        promise(!isControl && ![0x7F, 0xAD, 0x200B, 0x2060, 0xFEFF].contains(scalar.value), "U+\(scalar.value) in a text")
    }
}

/// Every chunk is the text at its range and fits into the window; none is lost; all cost no more than the text is long.
func checkChunks(of text: ExtractedText) {
    let bytes = Array(text.text.utf8)
    for chunking in [Chunking.structured, .fixed(maxTokens: 20, overlapTokens: 10)] {
        let chunks = Chunker(window: 40, counter: PieceCounter()).chunks(of: text, chunking: chunking, filename: "a")
        promise(!chunks.isEmpty, "a text without chunks")
        var isCovered = [Bool](repeating: false, count: bytes.count)
        var last = -1
        for chunk in chunks {
            promise(chunk.bytes.lowerBound > last, "chunks out of order")
            last = chunk.bytes.lowerBound
            promise(bytes[chunk.bytes].elementsEqual(chunk.text.utf8), "a chunk is not the text at its range")
            promise(chunk.characters.count == chunk.text.unicodeScalars.count, "a chunk with a wrong range of characters")
            let isWithin = chunk.tokenCount <= 40 || chunk.text.unicodeScalars.count <= 1
            promise(isWithin, "a chunk of \(chunk.tokenCount) tokens in a window of 40")
            for byte in chunk.bytes { isCovered[byte] = true }
        }
        for block in text.blocks where block.kind == .furniture { for byte in block.bytes { isCovered[byte] = true } }
        promise(zip(bytes, isCovered).allSatisfy { isBlank($0) || $1 }, "text in no chunk")
    }
}

private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x09 }

/// Cuts words into pieces of four characters, as WordPiece cuts unknown ones.
private struct PieceCounter: TokenCounter {
    let addsUpWords = true

    func count(_ text: Substring) -> Int {
        text.unicodeScalars.split { $0.properties.isWhitespace }.reduce(0) { $0 + ($1.count + 3) / 4 }
    }
}
