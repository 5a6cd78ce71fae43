import Foundation

/// A descriptor that is closed with the object, or before.
final class Descriptor {
    private(set) var number: Int32

    /// Numbers up to 2 are moved up: in a process without standard input they would be taken for the child's.
    init(_ number: Int32) {
        guard (0...2).contains(number) else {
            self.number = number
            return
        }
        self.number = fcntl(number, F_DUPFD_CLOEXEC, 3)
        Glibc.close(number)
    }

    deinit { close() }

    var isOpen: Bool { number >= 0 }

    func close() {
        guard isOpen else { return }
        _ = Glibc.close(number)
        number = -1
    }

    func makeNonblocking() { _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }
}

/// The ends of the three connections to a child: ours do not block, the child's do. No other child inherits any.
///
/// Sockets, because writing to one that the reader has closed need not raise a signal.
struct Connections {
    let input: Connection
    let output: Connection
    let errors: Connection

    init() throws {
        input = try Connection()
        output = try Connection()
        errors = try Connection()
    }

    func closeChilds() {
        for connection in [input, output, errors] { connection.childs.close() }
    }

    struct Connection {
        let ours: Descriptor
        let childs: Descriptor

        init() throws {
            var pair: [Int32] = [-1, -1]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
                throw ReaderUnusable("no connection to a reader could be made", errno)
            }
            ours = Descriptor(pair[0])
            childs = Descriptor(pair[1])
            guard ours.isOpen, childs.isOpen else {
                throw ReaderUnusable("no connection to a reader could be made", EMFILE)
            }
            ours.makeNonblocking()
        }
    }
}

/// The reader itself could not be used. Says nothing about any document; trying again later may help.
package struct ReaderUnusable: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    init(_ what: String, _ code: Int32) {
        description = "\(what): \(String(cString: strerror(code)))"
    }
}
