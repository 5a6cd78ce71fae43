package import Knowledge

/// Where people ask about jobs, stop them, and have them tried again.
package struct JobDesk: Sendable {
    let jobs: any JobStore
    let running: RunningJobs
    let wakeUp: WakeUp
    /// How often a watched job is looked up: what other hands than the runner's do to it is seen then.
    private static let lookAgain = Duration.seconds(1)

    package init(jobs: any JobStore, running: RunningJobs, wakeUp: WakeUp) {
        self.jobs = jobs
        self.running = running
        self.wakeUp = wakeUp
    }

    package func job(_ id: JobID, in scope: Scope) async throws -> Job {
        overlay(try await jobs.job(id, in: scope))
    }

    package func jobs(status: Job.Status?, page: Page, in scope: Scope) async throws -> Listing<Job> {
        var listing = try await jobs.jobs(status: status, page: page, in: scope)
        listing.elements = listing.elements.map(overlay)
        return listing
    }

    /// Nothing of the job is written any more when this returns; what it computes ends at its next step.
    package func cancel(_ id: JobID, in scope: Scope) async throws -> Job {
        let job = try await jobs.cancel(id, in: scope)
        stop(id)
        return job
    }

    package func retry(_ id: JobID, in scope: Scope) async throws -> Job {
        let job = try await jobs.requeue(id, in: scope)
        wakeUp()
        running.announce(id)
        return job
    }

    /// Ends the runs of jobs that were cancelled in the store.
    package func stop(_ id: JobID) {
        running.run(id)?.stop()
        running.announce(id)
    }

    /// What a job's states are from now on, each differing from the one before, and nil about once a second where nothing
    /// is new. Ends behind a final state; throws where the job is gone.
    package func states(of id: JobID, in scope: Scope) -> AsyncThrowingStream<Job?, any Error> {
        AsyncThrowingStream { continuation in
            let work = Task {
                do {
                    try await watch(id, scope) { continuation.yield($0) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in work.cancel() }
        }
    }

    private func watch(_ id: JobID, _ scope: Scope, _ tell: @escaping @Sendable (Job?) -> Void) async throws {
        // Watched before the first look, so that no change falls in between.
        let changes = running.changes(of: id)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    try await Task.sleep(for: Self.lookAgain)
                    running.announce(id)
                }
            }
            group.addTask {
                var last = try await job(id, in: scope)
                tell(last)
                if last.status.isFinal { return }
                for await _ in changes {
                    let job = try await job(id, in: scope)
                    tell(job == last ? nil : job)
                    if job.status.isFinal { return }
                    last = job
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func overlay(_ job: Job) -> Job { running.run(job.id)?.overlay(job) ?? job }
}
