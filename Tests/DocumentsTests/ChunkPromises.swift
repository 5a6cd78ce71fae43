import Documents
import Knowledge
import Testing

/// What holds for the chunks of every text, whatever the text, the window and the tokenizer.
struct ChunkPromises {
    var text: ExtractedText
    var window: Int
    var counter: any TokenCounter
    var chunking: Chunking

    func check(sourceLocation: SourceLocation = #_sourceLocation) {
        let chunks = Chunker(window: window, counter: counter).chunks(of: text, chunking: chunking, filename: "notes.txt")
        let again = Chunker(window: window, counter: counter).chunks(of: text, chunking: chunking, filename: "notes.txt")
        #expect(chunks == again, "deterministic", sourceLocation: sourceLocation)
        #expect(!chunks.isEmpty, sourceLocation: sourceLocation)
        checkRanges(chunks, sourceLocation)
        checkTokens(chunks, sourceLocation)
        if chunking == .structured { checkBorders(chunks, sourceLocation) }
    }

    private func checkRanges(_ chunks: [Chunk], _ location: SourceLocation) {
        let bytes = Array(text.text.utf8)
        var isCovered = Array(repeating: false, count: bytes.count)
        var characters = [0]
        for byte in bytes { characters.append((characters.last ?? 0) + (byte & 0xC0 == 0x80 ? 0 : 1)) }
        var isExact = true
        var isOrdered = true
        for (chunk, next) in zip(chunks, chunks.dropFirst().map(Optional.some) + [nil]) {
            isExact = isExact && Array(chunk.text.utf8) == Array(bytes[chunk.bytes]) && !chunk.bytes.isEmpty
            // A range starts at the number of scalars before it and is as long as its scalars.
            let start = characters[chunk.bytes.lowerBound]
            isExact = isExact && chunk.characters == start..<start + chunk.text.unicodeScalars.count
            isExact = isExact && !(chunk.text.first?.isWhitespace ?? true && chunk.text.allSatisfy(\.isWhitespace))
            if let next {
                isOrdered = isOrdered && next.bytes.lowerBound > chunk.bytes.lowerBound
                isOrdered = isOrdered && next.bytes.upperBound > chunk.bytes.upperBound
            }
            for byte in chunk.bytes { isCovered[byte] = true }
        }
        let furniture = text.blocks.filter { $0.kind == .furniture }
        let isClean = furniture.allSatisfy { block in block.bytes.allSatisfy { !isCovered[$0] } }
        for block in furniture { for byte in block.bytes { isCovered[byte] = true } }
        let lost = zip(bytes, isCovered).count { !$1 && $0 != 0x20 && $0 != 0x0A && $0 != 0x09 }
        #expect(isExact && isOrdered, sourceLocation: location)
        #expect(isClean, "furniture in a chunk", sourceLocation: location)
        checkPlaces(chunks, location)
        #expect(lost == 0, "bytes in no chunk", sourceLocation: location)
    }

    /// A chunk has the page of its first byte, and names the places of its ends.
    private func checkPlaces(_ chunks: [Chunk], _ location: SourceLocation) {
        var first = 0
        let areRight = chunks.allSatisfy { chunk in
            while text.blocks[first].bytes.upperBound <= chunk.bytes.lowerBound { first += 1 }
            guard let place = text.blocks[first].locator else { return chunk.page == text.blocks[first].page }
            return chunk.page == text.blocks[first].page && chunk.locator?.hasPrefix(place) == true
        }
        #expect(areRight, sourceLocation: location)
    }

    private func checkTokens(_ chunks: [Chunk], _ location: SourceLocation) {
        let isCounted = chunks.allSatisfy { $0.tokenCount == counter.count("\($0.context)\($0.text)") }
        let excess = chunks.filter { $0.tokenCount > window && $0.text.unicodeScalars.count > 1 }
        #expect(isCounted, sourceLocation: location)
        #expect(excess.isEmpty, "\(excess.first.map { "\($0)" } ?? "")", sourceLocation: location)
        let areLines = chunks.allSatisfy { $0.context.isEmpty || $0.context.firstIndex(of: "\n") == $0.context.indices.last }
        #expect(areLines, "a context is one line", sourceLocation: location)
        if case .fixed(let maxTokens, let overlapTokens) = chunking {
            #expect(chunks.allSatisfy { $0.tokenCount <= max(1, maxTokens) }, sourceLocation: location)
            for (one, next) in zip(chunks, chunks.dropFirst()) where next.bytes.lowerBound < one.bytes.upperBound {
                let shared = text.text.utf8.dropFirst(next.bytes.lowerBound)
                    .prefix(one.bytes.upperBound - next.bytes.lowerBound)
                #expect(counter.count(Substring(shared)) <= overlapTokens, sourceLocation: location)
            }
        }
    }

    private func checkBorders(_ chunks: [Chunk], _ location: SourceLocation) {
        let paths = text.headingPaths()
        for chunk in chunks {
            let blocks = text.blocks.indices.filter { text.blocks[$0].bytes.overlaps(chunk.bytes) }
            let body = blocks.first { text.blocks[$0].headingLevel == nil }
            let crossed = blocks.contains { block in
                guard let body, let level = text.blocks[block].headingLevel else { return false }
                return level <= 2 && block > body
            }
            #expect(!crossed, "a chapter begins in the middle of \(chunk)", sourceLocation: location)
            let path = body.map { paths[$0] } ?? blocks.last.map { paths[$0] } ?? []
            #expect(path.starts(with: chunk.headingPath), sourceLocation: location)
        }
        for (one, next) in zip(chunks, chunks.dropFirst()) where next.bytes.lowerBound < one.bytes.upperBound {
            let overlap = next.bytes.lowerBound..<one.bytes.upperBound
            #expect(
                text.blocks.contains { $0.bytes.contains(overlap.lowerBound) && $0.bytes.upperBound > overlap.upperBound },
                "only a block that was cut is repeated", sourceLocation: location
            )
        }
    }
}

/// What holds for every extracted text.
func checkStructure(of text: ExtractedText, sourceLocation: SourceLocation = #_sourceLocation) {
    let bytes = Array(text.text.utf8)
    var end = 0
    var isSound = true
    for block in text.blocks {
        isSound = isSound && block.bytes.lowerBound >= end && !block.bytes.isEmpty && block.bytes.upperBound <= bytes.count
        guard isSound else { break }
        isSound = isSound && bytes[end..<block.bytes.lowerBound].allSatisfy { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 }
        end = block.bytes.upperBound
    }
    isSound = isSound && bytes[end...].allSatisfy { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 }
    #expect(isSound, "blocks are in order and cover the text", sourceLocation: sourceLocation)
    let forbidden = text.text.unicodeScalars.filter { scalar in
        (scalar.value < 0x20 && scalar != "\n" && scalar != "\t") || [0x7F, 0xAD, 0x200B, 0x2060, 0xFEFF].contains(scalar.value)
    }
    #expect(forbidden.isEmpty, sourceLocation: sourceLocation)
}
