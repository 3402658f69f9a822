import CloudEvents
import Domain

/// Hook Jobs, which run before and after a release is changed.
extension SimulatedCluster {
    /// Makes what a hook consists of; a Job is waited for.
    mutating func run(_ hook: Hook, at moment: Hook.Moment, of operation: Operation) {
        let subject = operation.work.subject
        let manifest: Manifest
        do throws(ManifestError) {
            let marked = try ReleaseMarking(operation.identity).applied(to: hook.manifest)
            manifest = try Manifest(marked, in: operation.identity.namespace)
        } catch {
            operations[subject] = nil
            return end(operation.work, WorkFailure(code: "render_failed", message: error.sentence))
        }
        // Helm deletes what an earlier run has left before it makes the hook again.
        remove(manifest.id)
        upsert(manifest)
        guard hook.isJob else { return later(timings.observe, .goOn(subject)) }
        tasks[manifest.id] = PodLife.Task(
            time: hook.seconds.map(timings.time(seconds:)) ?? timings.hook,
            output: hook.output ?? Self.usualOutput(of: hook),
            fails: hook.fails
        )
        touch(manifest.id)
        let run = Operation.Run(hook: hook, moment: moment, job: manifest.id, startedAt: now)
        operations[subject]?.run = run
        report(.stage(operation.work, stage(of: run, .running)))
    }

    /// Tells how a hook's Job ended, and goes on or gives the change up.
    mutating func jobEnded(_ job: ClusterObject.ID) {
        guard let (subject, operation) = operations.first(where: { $0.value.run?.job == job }),
            let run = operation.run, let task = tasks[job]
        else { return }
        operations[subject]?.run = nil
        report(.stage(operation.work, stage(of: run, task.fails ? .failed : .succeeded)))
        if !task.output.isEmpty {
            report(.stageOutput(operation.work, stage: run.hook.name, output: task.output))
        }
        if run.hook.deletion.contains(task.fails ? "hook-failed" : "hook-succeeded") { remove(job) }
        guard task.fails else { return goOn(subject) }
        operations[subject] = nil
        end(
            operation.work,
            WorkFailure(
                code: "hook_failed",
                message: "The \(run.moment.rawValue) hook '\(run.hook.name)' failed: its Job ended with exit code 1."
            )
        )
    }

    private func stage(of run: Operation.Run, _ state: ReleaseStage.State) -> ReleaseStage {
        ReleaseStage(
            name: run.hook.name,
            kind: run.moment.rawValue,
            weight: run.hook.weight,
            state: state,
            startedAt: RFC3339.format(microseconds: run.startedAt),
            endedAt: state == .running ? nil : RFC3339.format(microseconds: now)
        )
    }

    private static func usualOutput(of hook: Hook) -> String {
        hook.fails
            ? "\(hook.name): begins\n\(hook.name): error, giving up\n" : "\(hook.name): begins\n\(hook.name): done\n"
    }
}

/// The Job controller: one pod, whose end is the Job's.
extension SimulatedCluster {
    mutating func reconcileJob(_ id: ClusterObject.ID) {
        guard var job = objects[id], job.status?["conditions"] == nil else { return }
        guard let pod = owned(by: job, kind: "Pod").first(where: { $0.deletedAt == nil }) else {
            let task = tasks[id] ?? PodLife.Task(time: timings.hook, output: "\(id.name): done\n", fails: false)
            tasks[id] = task
            createPod(of: job, named: "\(id.name)-\(random.suffix(5))", labels: ["job-name": id.name], task: task)
            job.status = ["active": 1, "ready": 0, "startTime": .string(ClusterObject.time(now))]
            return put(job)
        }
        guard let life = lives[pod.id], life.isOver else { return }
        job.status = jobStatus(of: job, succeeded: life.state == .succeeded)
        put(job)
        jobEnded(id)
    }

    private func jobStatus(of job: ClusterObject, succeeded: Bool) -> ObjectValue {
        let time = ObjectValue.string(ClusterObject.time(now))
        var status: ObjectValue = ["startTime": job.status?["startTime"] ?? time]
        if succeeded {
            status["succeeded"] = 1
            status["completionTime"] = time
            status["conditions"] = [["type": "Complete", "status": "True", "lastTransitionTime": time]]
        } else {
            status["failed"] = 1
            status["conditions"] = [
                [
                    "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "lastTransitionTime": time,
                    "message": "Job has reached the specified backoff limit",
                ]
            ]
        }
        return status
    }
}
