import Foundation
import TestSupport
import Testing

@testable import Reading

@Suite("A confined process")
struct SandboxTests {
    private static let (denied, missing) = (Int(EPERM), Int(ENOSYS))

    /// What the probe reported, by trial, and how it ended.
    private func probe(_ way: String, _ trials: [String]) throws -> ([String: Int], ChildProcess.Ending) {
        let folder = try TemporaryDirectory()
        let child = ChildProcess(
            program: built("SandboxProbe"), arguments: [way, folder.path] + trials, timeout: .seconds(60),
            maxOutputBytes: 4_096)
        let outcome = try child.run(input: [], killSwitch: KillSwitch())
        let lines = String(decoding: outcome.output, as: UTF8.self).split(separator: "\n")
        let results = lines.compactMap { line -> (String, Int)? in
            guard let space = line.lastIndex(of: " "), let code = Int(line[space...].dropFirst()) else { return nil }
            return (String(line[..<space]), code)
        }
        return (Dictionary(uniqueKeysWithValues: results), outcome.ending)
    }

    @Test("keeps to its bounds, gains no rights, and has nothing of its parent's")
    func limits() throws {
        let trials = ["inherited", "memory", "much memory", "write file", "write much", "no new rights", "secret"]
        let (results, ending) = try probe("limits", trials)
        #expect(
            results == [
                "memory": 0, "much memory": Int(ENOMEM), "write file": 0, "write much": Int(EFBIG), "no new rights": 0,
                "secret": 0, "inherited": Int(EBADF),
            ])
        #expect(ending == .exited(0))
    }

    @Test("ends when its time on the processor is used up")
    func processorTime() throws {
        #expect(try probe("limits", ["spin"]).1 == .killed(signal: SIGXCPU))
    }

    @Test(
        "that reads by means of programs can start them, and speak to nobody",
        .enabled(if: SandboxAbilities().filtersCalls))
    func programs() throws {
        let trials = [
            "read file", "start program", "start thread", "memory", "code", "kill self", "inet", "local", "kill parent",
            "kill all", "kill own group", "leave session", "new namespace", "unknown call",
        ]
        let (results, ending) = try probe("programs", trials)
        #expect(
            results == [
                "read file": 0, "start program": 0, "start thread": 0, "memory": 0, "code": 0, "kill self": 0,
                "inet": Self.denied, "local": Self.denied, "kill parent": Self.denied, "kill all": Self.denied,
                "kill own group": 0,
                "leave session": -1,
                "new namespace": Self.denied, "unknown call": Self.missing,
            ])
        #expect(ending == .exited(0))
    }

    @Test("that converts may use sockets of this machine alone", .enabled(if: SandboxAbilities().filtersCalls))
    func converters() throws {
        let (results, _) = try probe("converters", ["start program", "local", "inet", "kill parent", "leave session"])
        #expect(
            results == [
                "start program": 0, "local": 0, "inet": Self.denied, "kill parent": Self.denied, "leave session": -1,
            ])
    }

    @Test(
        "that only computes has no files, no programs and no processes", .enabled(if: SandboxAbilities().filtersCalls))
    func computing() throws {
        let trials = [
            "start thread", "memory", "kill self", "read file", "read program", "write file", "start program", "code",
            "inet",
            "local", "kill parent", "new namespace", "trace", "unknown call",
        ]
        let (results, ending) = try probe("computing", trials)
        #expect(results.filter { $0.value == 0 }.keys.sorted() == ["kill self", "memory", "start thread"])
        #expect(results.count == trials.count)
        #expect(ending == .exited(0))
    }

    @Test(
        "dies of what only an attacker tries", .enabled(if: SandboxAbilities().filtersCalls),
        arguments: ["mount", "trace"])
    func hostileCall(_ trial: String) throws {
        #expect(try probe("programs", [trial]).1 == .killed(signal: SIGSYS))
    }

    @Test("reads programs and writes to its folder only", .enabled(if: SandboxAbilities().landlockVersion > 0))
    func files() throws {
        let (results, _) = try probe("files", ["read program", "write file", "start program", "read file"])
        #expect(results == ["read program": 0, "write file": 0, "start program": 0, "read file": Int(EACCES)])
    }

    @Test("is told where the kernel cannot confine it to files", .enabled(if: SandboxAbilities().landlockVersion == 0))
    func noLandlock() throws {
        #expect(try probe("files", []).0 == ["confine": Int(ENOSYS)])
    }
}
