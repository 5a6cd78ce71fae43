/// A rectangle on a page in points, from the top left corner.
struct Box: Hashable {
    var left, top, right, bottom: Float

    var width: Float { right - left }
    var height: Float { bottom - top }
    var middle: Float { (top + bottom) / 2 }

    func union(_ other: Box) -> Box {
        Box(
            left: min(left, other.left), top: min(top, other.top), right: max(right, other.right),
            bottom: max(bottom, other.bottom)
        )
    }
}

struct LayoutWord: Hashable {
    var box: Box
    var text: String
}

/// A line of words within one column.
struct LayoutLine: Hashable {
    var box: Box
    /// Not empty.
    var words: [LayoutWord]
    /// Which of the page's blocks it belongs to, from 0.
    var block: Int
    /// Size of the type in points; the height of the box where the document does not say.
    var size: Float
    var isBold = false
    /// The entry of the document's own outline that the line is the heading, or a part of the heading, of.
    var outlineItem: TypeStyles.OutlineItem?
    /// Whether it repeats from page to page.
    var isFurniture = false

    var text: String { words.map(\.text).joined(separator: " ") }
    /// Whether the line runs down or up the page.
    var isVertical: Bool { box.height > 2 * box.width && words.contains { $0.text.count > 2 } }
}

/// A page as lines in reading order.
struct PageLayout {
    /// From 1.
    var number: Int
    var width: Float
    var height: Float
    var lines: [LayoutLine] = []
    /// Characters that are not white space.
    var characters = 0
    /// Those of them that the document does not say the meaning of.
    var unmapped = 0
    /// Whether the words were recognised in a picture of the page.
    var isRecognised = false
}
