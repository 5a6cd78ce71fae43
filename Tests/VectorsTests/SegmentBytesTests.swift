import Foundation
import Knowledge
import Testing

@testable import Vectors

@Suite("A segment's bytes")
struct SegmentBytesTests {
    private func documents(_ count: Int, _ dimension: Int, _ generator: inout SeededGenerator) -> [DocumentVectors] {
        (0..<count).map { number in
            let rows = 1 + number % 4
            return DocumentVectors(
                document: DocumentID(rawValue: "doc_ü\(number)"), revision: Int64(number + 3),
                chunks: (0..<rows).map { ChunkID(Int64(number * 10 + $0)) },
                vectors: (0..<rows).flatMap { _ in [Float].random(dimension, using: &generator).unit })
        }
    }

    private func copy(_ bytes: AlignedBytes, count: Int? = nil) -> AlignedBytes {
        let copy = AlignedBytes(count: count ?? bytes.count)
        copy.base.copyMemory(from: bytes.base, byteCount: min(copy.count, bytes.count))
        return copy
    }

    @Test("come back as they were", arguments: [1, 60, 128, 300], [nil, 3])
    func roundTrip(_ dimension: Int, _ clusters: Int?) throws {
        var generator = SeededGenerator(UInt64(dimension))
        let documents = documents(30, dimension, &generator)
        let rows = documents.reduce(0) { $0 + $1.chunks.count }
        let groups = clusters.map { count in (0..<rows).map { UInt32($0 * 7 % count) } }
        let centres = [Float].random(dimension * (clusters ?? 1), using: &generator)
        let builder = SegmentBuilder(
            VectorRows(documents, dimension: dimension), centres: centres,
            placement: groups.map { SegmentBuilder.Placement(groups: $0, count: clusters ?? 1) }, keepsFloats: true)
        builder.encode(0..<rows / 2)
        builder.encode(rows / 2..<rows)
        let made = builder.finish()
        let read = try #require(CodeBlock(checking: copy(made.bytes)))
        #expect(read.documents == documents.map(\.document))
        #expect(memcmp(read.bytes.base, made.bytes.base, made.bytes.count) == 0)
        for (place, document) in documents.enumerated() {
            #expect(read.revisions[place] == document.revision)
            #expect(read.place(of: document.document) == place)
            var chunks: [ChunkID] = []
            read.eachRow(ofDocumentAt: place) { row in
                chunks.append(read.chunk(ofRow: row))
                #expect(read.document(ofRow: row) == document.document)
                #expect(read.rows(ofGroup: read.group(ofRow: row)).contains(row))
            }
            #expect(chunks == document.chunks)
        }
    }

    @Test("do not pass with a flipped bit anywhere, nor cut short, nor longer")
    func findsDamage() throws {
        var generator = SeededGenerator(9)
        let block = CodeBlock.flat(VectorRows(documents(12, 20, &generator), dimension: 20), keepsFloats: false)
        // Every byte of the header, and of the rest one in seven.
        let places = Array(0..<256) + Array(stride(from: 256, to: block.bytes.count, by: 7))
        for place in places {
            let damaged = copy(block.bytes)
            damaged.array(of: UInt8.self, at: place)[0] ^= 1 << UInt8(place % 8)
            #expect(CodeBlock(checking: damaged) == nil, "byte \(place)")
        }
        for count in [0, 1, 255, 256, block.bytes.count - 64, block.bytes.count + 64] {
            #expect(CodeBlock(checking: copy(block.bytes, count: count)) == nil)
        }
    }

    @Test("are the same for the same vectors")
    func isDeterministic() {
        let blocks = (0..<2).map { _ in
            var generator = SeededGenerator(4)
            return CodeBlock.flat(VectorRows(documents(20, 100, &generator), dimension: 100), keepsFloats: false)
        }
        #expect(blocks[0].bytes.count == blocks[1].bytes.count)
        #expect(memcmp(blocks[0].bytes.base, blocks[1].bytes.base, blocks[0].bytes.count) == 0)
    }
}
