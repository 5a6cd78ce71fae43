import GRDB
import Knowledge

/// A list that is read page by page, by creation time and then id.
struct OrderedList: Sendable {
    /// A query over a table with the columns `created_at` and `id`, ending in its WHERE clause.
    var select: String
    /// A query for the `created_at` and `id` of the row that `$cursor` names.
    var position: String
    /// What both queries have bound, by name.
    var arguments: [String: String?]

    /// No list is read in larger pieces, whatever is asked for.
    static let longest = 10_000

    /// The rows of a page as values.
    ///
    /// `before` alone asks for the page that ends just before that row, as one does to go back; `hasMore` then says
    /// whether there is more in that direction.
    func page<Element>(
        _ page: Page, in db: Connection, _ element: (Row) throws -> Element
    ) throws -> Listing<Element> {
        let goesBack = page.after == nil && page.before != nil
        let ascends = (page.order == .ascending) != goesBack
        let limit = min(max(page.limit, 1), Self.longest)
        var sql = select
        var arguments = arguments
        let (behind, ahead) = page.order == .ascending ? (">", "<") : ("<", ">")
        for (name, cursor, relation) in [("after", page.after, behind), ("before", page.before, ahead)] {
            guard let cursor else { continue }
            sql += " AND (created_at, id) \(relation) (\(position.replacing("$cursor", with: ":" + name)))"
            arguments[name] = cursor
        }
        let direction = ascends ? "ASC" : "DESC"
        sql += " ORDER BY created_at \(direction), id \(direction) LIMIT \(limit + 1)"
        let rows = try Row.fetchAll(db, sql: sql, arguments: StatementArguments(arguments)).map(element)
        let elements = Array(rows.prefix(limit))
        return Listing(elements: goesBack ? elements.reversed() : elements, hasMore: rows.count > limit)
    }
}
