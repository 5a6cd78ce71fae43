import Foundation

/// All processes that a child has started, and what those have: whatever group they put themselves in, none can leave the
/// session, because no reader may begin another one.
struct ProcessSession {
    /// The child that leads it. It must not have been waited for, so that its id is nobody else's.
    let leader: pid_t

    /// Kills whoever is there until nobody is.
    func end() {
        kill(-leader, SIGKILL)
        kill(leader, SIGKILL)
        // A process that is being killed may have started one that was not there yet at the last look.
        for _ in 0..<100 {
            let members = Self.living(of: leader)
            if members.isEmpty { return }
            for member in members { kill(member, SIGKILL) }
            usleep(1_000)
        }
    }

    private static func living(of leader: pid_t) -> [pid_t] {
        // Without /proc only the group of the leader is known.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { $0 != leader && isLiving($0, in: leader) }
    }

    /// Reads `ID (NAME) STATE PARENT GROUP SESSION …`; the name may hold anything, brackets too.
    private static func isLiving(_ process: pid_t, in session: pid_t) -> Bool {
        let file = Descriptor(open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC))
        guard file.isOpen else { return false }
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = read(file.number, &bytes, bytes.count)
        guard count > 0, let name = bytes[..<count].lastIndex(of: UInt8(ascii: ")")) else { return false }
        let fields = bytes[(name + 1)..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 3, let state = fields[0].first, let its = pid_t(String(decoding: fields[3], as: UTF8.self))
        else {
            return false
        }
        return its == session && state != UInt8(ascii: "Z") && state != UInt8(ascii: "X")
    }
}
