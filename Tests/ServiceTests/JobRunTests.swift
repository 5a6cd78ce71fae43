import Foundation
import TestSupport
import Testing

@testable import Knowledge
@testable import Service

@Suite("The progress of a job")
struct JobRunTests {
    private func lease(_ progress: JobProgress = JobProgress()) -> JobLease {
        let job = Job(
            tenant: TenantID(rawValue: "t"), knowledgeBase: .random(), document: .random(), status: .running,
            progress: progress, createdAt: Date())
        let file = StoredFile(name: "a.txt", bytes: 1, sha256: "", purpose: "assistants", createdAt: Date())
        return JobLease(job: job, token: "t", file: file, chunking: .structured, embedding: WordEmbedder().model)
    }

    @Test("only rises and adds up at every step, over any number of runs, however they are cut short")
    func rises() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let total = Int.random(in: 1...50, using: &random)
            let reused = Int.random(in: 0...total, using: &random)
            var stored = JobProgress()
            var seen = stored
            var known = reused
            for _ in 0..<3 {
                let running = RunningJobs()
                let run = running.begin(lease(stored))
                func look() {
                    let now = run.progress
                    #expect(now.chunks >= seen.chunks && now.done >= seen.done && now.reused >= seen.reused)
                    #expect(now.reused <= now.done && now.done <= now.chunks)
                    seen = now
                }
                run.enter(.reading); look()
                run.foundChunks(total, pages: 2); look()
                run.knew(known); look()
                stored = run.progress
                while known < total, Int.random(in: 0..<4, using: &random) > 0 {
                    let piece = Int.random(in: 1...min(8, total - known), using: &random)
                    stored = run.progress(embedding: piece)
                    run.embedded(piece); look()
                    known += piece
                    #expect(run.progress.done == known)
                }
                running.end(run)
            }
        }
    }

    @Test("is told to all who watch, until the job ends")
    func watched() async throws {
        let running = RunningJobs()
        let run = running.begin(lease())
        let changes = running.changes(of: run.lease.job.id)
        run.enter(.embedding)
        var iterator = changes.makeAsyncIterator()
        #expect(await iterator.next() != nil)
        #expect(running.run(run.lease.job.id)?.progress.stage == .embedding)
        running.end(run)
        #expect(await iterator.next() != nil)
        #expect(running.run(run.lease.job.id) == nil)
    }
}
