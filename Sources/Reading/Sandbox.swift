import CSandbox
import Foundation

/// How much of the sandbox has to be there.
package enum SandboxMode: String, Sendable, CaseIterable {
    /// What the kernel offers; documents are read on kernels that offer less, too.
    case prefer
    /// All of it, or nothing is read.
    case require
    /// Only the bounds on memory, time and files.
    case off
}

/// What this kernel can do to confine a process.
package struct SandboxAbilities: Sendable, CustomStringConvertible {
    package let filtersCalls: Bool
    /// 0 where there is none.
    package let landlockVersion: Int

    /// Asks the kernel; changes nothing.
    package init() {
        filtersCalls = sandbox_has_filters()
        landlockVersion = Int(sandbox_landlock_version())
    }

    package var isComplete: Bool { filtersCalls && landlockVersion > 0 }

    package var description: String {
        "seccomp \(filtersCalls ? "yes" : "no"), landlock \(landlockVersion > 0 ? "ABI \(landlockVersion)" : "no")"
    }
}

/// The steps by which a process confines itself. None can be taken back.
struct Sandbox {
    var mode: SandboxMode
    var limits: Limits

    /// What each process may use.
    struct Limits: Hashable, Sendable {
        var memoryMegabytes: Int
        var seconds: Int
        /// Pictures of pages may be written to disk on their way to recognition.
        static let fileMegabytes = 256
        static let openFiles = 256
    }

    /// A step that the kernel refused.
    struct Refusal: Error {
        var step: String
        var code: Int32
    }

    /// Closes what was inherited and sets the bounds. For a process that may still read files and start programs.
    ///
    /// - Parameter folder: The one folder that may be written to.
    func confine(_ calls: sandbox_calls, writingTo folder: String?) throws(Refusal) {
        try check(sandbox_close_inherited(), "close descriptors")
        var bounds = sandbox_limits(
            memory_bytes: UInt64(limits.memoryMegabytes) << 20, cpu_seconds: UInt64(limits.seconds),
            file_bytes: UInt64(Limits.fileMegabytes) << 20, open_files: UInt64(Limits.openFiles))
        try check(sandbox_limit(&bounds), "set limits")
        guard mode != .off else { return }
        // A converter's own files may lie anywhere, so that only calls can be taken from it.
        if calls != SANDBOX_CONVERTERS {
            try check(sandbox_confine_files(folder), "confine to files")
        }
        try check(sandbox_confine_calls(calls), "filter system calls")
    }

    /// Gives up files and programs as well.
    func confineToComputing() throws(Refusal) {
        guard mode != .off else { return }
        try check(sandbox_confine_calls(SANDBOX_COMPUTING), "filter system calls")
    }

    private func check(_ code: Int32, _ step: String) throws(Refusal) {
        let isMissing = code == ENOSYS || code == EOPNOTSUPP
        guard code == 0 || (mode == .prefer && isMissing) else { throw Refusal(step: step, code: code) }
    }
}
