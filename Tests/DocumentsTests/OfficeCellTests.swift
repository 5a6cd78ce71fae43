import Testing

@testable import Documents

@Suite("A cell of a workbook shows")
struct OfficeCellTests {
    @Test("a number as its format means it", arguments: [
        ("General", 0.1 + 0.2, "0.3"), ("0", 2.5, "3"), ("0.00", -1234.567, "-1234.57"), ("#,##0.00 \"€\"", 1234.5, "1234.50"),
        ("0%", 0.256, "26%"), ("0.0%;[Red]-0.0%", 0.256, "25.6%"), ("yyyy-mm-dd", 43363, "2018-09-20"),
        ("[$-407]d. mmmm yyyy", 60.0 + 1, "1900-03-01"), ("m/d/yy", 1, "1900-01-01"), ("dd.mm.yyyy hh:mm", 43363.75, "2018-09-20 18:00"),
        ("hh:mm:ss", 0.5 + 1.0 / 86400, "12:00:01"), ("[h]:mm", 1.5, "36:00"), ("\"Std\" 0", 8, "8"), ("0.00E+00", 1200, "1200"),
        ("#,##0,", 1_234_567, "1234567"), ("_-* #,##0.00\\ _€_-", 3, "3.00"), ("0.000000", 0.1234567, "0.123457"), ("@", 7, "7"),
        ("0.0", -0.01, "0.0"), ("yyyy", -1, "-1"), ("yyyy", 1e300, "1e+300"),
    ] as [(String, Double, String)])
    func formats(code: String, number: Double, shown: String) {
        let text = number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
        #expect((CellFormat(code: code).text(number, isBasedOn1904: false) ?? CellFormat.number(text)) == shown)
    }

    @Test("every day of four centuries, from both beginnings")
    func days() {
        var (year, month, day) = (1904, 1, 1)
        for number in 0..<146_097 {
            func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
            let date = "\(year)-\(two(month))-\(two(day))"
            #expect(CellFormat.date.text(Double(number), isBasedOn1904: true) == date)
            #expect(CellFormat.date.text(Double(number + 1462), isBasedOn1904: false) == date)
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
            day += 1
            if day > days { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
    }
}
