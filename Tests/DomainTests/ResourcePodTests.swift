import JSON
import Testing

@testable import Domain

@Suite struct ResourcePodTests {
    private static let ready = #""conditions":[{"type":"Ready","status":"True"}]"#

    /// A running pod that ends, with the annotation that has it judged as one that stays.
    private static func judged(_ status: String, _ annotations: String = "") -> String {
        #"{"metadata":{"annotations":{"argocd.argoproj.io/ignore-restart-policy":"true"\#(annotations)}},"#
            + #""spec":{"restartPolicy":"Never"},"status":{"phase":"Running",\#(status)}}"#
    }

    private static func waiting(_ reason: String) -> String {
        #""containerStatuses":[{"name":"web","state":{"waiting":{"reason":"\#(reason)","message":"m"}}}]"#
    }

    @Test(arguments: [
        HealthCase(
            "an error while it restarts always",
            .degraded,
            #"{"spec":{"restartPolicy":"Always"},"status":{"phase":"Pending",\#(waiting("ErrImagePull"))}}"#
        ),
        HealthCase(
            "a reason that ends in Error",
            .degraded,
            #"{"spec":{"restartPolicy":"Always"},"status":{"phase":"Pending",\#(waiting("CreateContainerError"))}}"#
        ),
        HealthCase(
            "a back-off goes before readiness",
            .degraded,
            #"{"spec":{"restartPolicy":"Always"},"status":{"phase":"Running",\#(ready),\#(waiting("CrashLoopBackOff"))}}"#
        ),
        HealthCase(
            "an error of a pod that ends",
            .progressing,
            #"{"spec":{"restartPolicy":"Never"},"status":{"phase":"Pending",\#(waiting("ErrImagePull"))}}"#
        ),
        HealthCase(
            "an error of a pod that ends and asks to be judged",
            .degraded,
            #"{"metadata":{"annotations":{"argocd.argoproj.io/ignore-restart-policy":"true"}},"#
                + #""spec":{"restartPolicy":"Never"},"status":{"phase":"Pending",\#(waiting("ErrImagePull"))}}"#
        ),
        HealthCase(
            "other waiting",
            .progressing,
            #"{"spec":{"restartPolicy":"Always"},"status":{"phase":"Pending",\#(waiting("ContainerCreating"))}}"#
        ),
        HealthCase("pending", .progressing, #"{"status":{"phase":"Pending"}}"#),
        HealthCase("succeeded", .healthy, #"{"status":{"phase":"Succeeded"}}"#),
        HealthCase("failed", .degraded, #"{"status":{"phase":"Failed"}}"#),
        HealthCase("ready", .healthy, #"{"spec":{"restartPolicy":"Always"},"status":{"phase":"Running",\#(ready)}}"#),
        HealthCase(
            "not ready after an end",
            .degraded,
            #"{"spec":{"restartPolicy":"Always"},"status":{"phase":"Running","#
                + #""containerStatuses":[{"lastState":{"terminated":{"exitCode":1}}}]}}"#
        ),
        HealthCase(
            "not ready yet",
            .progressing,
            #"{"spec":{"restartPolicy":"Always"},"status":{"phase":"Running","containerStatuses":[{"lastState":{}}]}}"#
        ),
        HealthCase(
            "running to its end",
            .progressing,
            #"{"spec":{"restartPolicy":"Never"},"status":{"phase":"Running"}}"#
        ),
        HealthCase("running to its end, asked to be judged, ready", .healthy, judged(ready)),
        HealthCase("running to its end, asked to be judged, not ready yet", .progressing, judged(#""x":1"#)),
        HealthCase(
            "a hook is not judged as if it stayed",
            .progressing,
            judged(ready, #","argocd.argoproj.io/hook":"PreSync""#)
        ),
        HealthCase(
            "a hook that is only skipped is none",
            .healthy,
            judged(ready, #","argocd.argoproj.io/hook":"Skip""#)
        ),
        HealthCase(
            "a hook that is also skipped is one",
            .progressing,
            judged(ready, #","argocd.argoproj.io/hook":"Skip, Sync""#)
        ),
        HealthCase("a hook of Helm", .progressing, judged(ready, #","helm.sh/hook":"pre-install""#)),
        HealthCase(
            "Helm's mark for definitions is no hook",
            .healthy,
            judged(ready, #","helm.sh/hook":"crd-install""#)
        ),
        HealthCase("no phase", .unknown, "{}"),
        HealthCase("running without a policy", .unknown, #"{"status":{"phase":"Running"}}"#),
    ])
    func pods(_ line: HealthCase) throws {
        let assessment = try JSONParser().withDocument(Array(line.json.utf8)) {
            HealthRules.assess(KubernetesObject($0), kind: "Pod", apiVersion: "v1")
        }
        #expect(assessment.health == line.health)
    }

    @Test(arguments: [
        (#"{"status":{"phase":"Failed","message":"Evicted"}}"#, "Evicted"),
        (
            #"{"status":{"phase":"Failed","initContainerStatuses":[{"state":{"terminated":{"message":"no database"}}}],"#
                + #""containerStatuses":[{"state":{"terminated":{"message":"later"}}}]}}"#, "no database"
        ),
        (
            #"{"status":{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"reason":"OOMKilled","exitCode":137}}}]}}"#,
            "OOMKilled"
        ),
        (
            #"{"status":{"phase":"Failed","containerStatuses":[{"name":"web","state":{"terminated":{"exitCode":2}}}]}}"#,
            "The container web ended with exit code 2"
        ),
    ])
    func `a failed pod says why`(_ json: String, _ reason: String) throws {
        let assessment = try JSONParser().withDocument(Array(json.utf8)) {
            HealthRules.assess(KubernetesObject($0), kind: "Pod", apiVersion: "v1")
        }
        #expect(assessment == HealthAssessment(.degraded, reason))
    }

    private func sign(_ status: String) throws -> FailureSign? {
        try JSONParser().withDocument(Array(#"{"status":{\#(status)}}"#.utf8)) {
            FailureSign(pod: KubernetesObject($0), name: "web-1")
        }
    }

    @Test(arguments: ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"])
    func `an image that cannot be pulled is named`(_ reason: String) throws {
        let sign = try #require(
            try sign(
                #""containerStatuses":[{"name":"web","image":"shop/web:1.4.2","#
                    + #""state":{"waiting":{"reason":"\#(reason)","message":"not found"}}}]"#
            )
        )
        #expect(sign.code == .imagePull)
        #expect(sign.code.isFailing)
        #expect(sign.sentence.contains("shop/web:1.4.2"))
        #expect(sign.sentence.contains("not found"))
    }

    @Test func `a crash loop says which container, how it ended and how often`() throws {
        let sign = try #require(
            try sign(
                #""containerStatuses":[{"name":"web","restartCount":5,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"#
                    + #""lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]"#
            )
        )
        #expect(sign.code == .crashLoop)
        #expect(
            sign.sentence
                == "The container web keeps ending with exit code 137, out of memory, restarted 5 times (pod web-1): see its logs"
        )
    }

    @Test func `a configuration error is one, and an unschedulable pod does not fail by itself`() throws {
        let config = try sign(
            #""initContainerStatuses":[{"name":"init","state":{"waiting":{"reason":"CreateContainerConfigError","#
                + #""message":"secret \"db\" not found"}}}]"#
        )
        #expect(config?.code == .configError)
        #expect(config?.sentence.contains(#"secret "db" not found"#) == true)
        let scheduling = try sign(
            #""conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/3 nodes"}]"#
        )
        #expect(scheduling?.code == .unschedulable)
        #expect(scheduling?.code.isFailing == false)
        #expect(try sign(#""phase":"Running""#) == nil)
    }
}
