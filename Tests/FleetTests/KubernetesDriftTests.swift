import Foundation
import Postgres
import TestSupport
import Testing

/// What somebody changes by hand in a cluster is told, and put back where the environment says so.
@Suite(.whereKubernetesIs, .ownThreads, .timeLimit(.minutes(15)), .serialized)
struct KubernetesDriftTests {
    @Test func `an object that was changed by hand is told as drift and repaired where the environment says so`() throws
    {
        let kubernetes = try KubernetesWorld()
        defer { kubernetes.clean() }
        try kubernetes.release("1.0.0")
        try kubernetes.request("instance.deploy", #""application":"web","instance":"web","version":"1.0.0""#)
        try kubernetes.request("config-map.create", #""configMap":"settings","data":{"color":"red","size":"9"}"#)
        let password = try kubernetes.seal("hunter2", for: "secret/database", "password")
        try kubernetes.request("secret.create", #""secret":"database","data":{"password":"\#(password)"}"#)
        for command in ["instance.deploy", "config-map.create", "secret.create"] {
            try kubernetes.waitForCommand(command)
        }

        let change = { (what: String, patch: String) in
            _ = try kubernetes.kubectl(["-n", kubernetes.namespace, "patch", what, "--type=merge", "-p", patch])
        }
        try change("deployment/web", #"{"spec":{"replicas":3}}"#)
        try change("configmap/settings", #"{"data":{"color":"blue"}}"#)
        try waitForDrift(kubernetes, "instance", "Deployment/web changed")
        try waitForDrift(kubernetes, "environment_object", "ConfigMap/settings changed")
        #expect(try kubernetes.value("configmap/settings", "{.data.color}") == "blue", "nobody asked for a repair")

        try kubernetes.request("environment.update", #""repairDrift":true"#)
        try kubernetes.wait("the word", "select count(*) from environment where repair_drift", 1)
        for object in ["deployment/web", "configmap/settings", "secret/database"] {
            try kubernetes.kubectl(["-n", kubernetes.namespace, "delete", object])
        }
        try kubernetes.wait("three repairs", "select count(*) from audit where operation = 'drift.repair'", 3)
        try waitForDrift(kubernetes, "instance", "")
        try waitForDrift(kubernetes, "environment_object", "")
        #expect(try kubernetes.value("deployment/web", "{.spec.replicas}") == "1")
        #expect(try kubernetes.value("configmap/settings", "{.data.color} {.data.size}") == "red 9")
        let secret = try kubernetes.value("secret/database", "{.data.password}")
        #expect(Data(base64Encoded: secret).map { String(decoding: $0, as: UTF8.self) } == "hunter2")
        #expect(
            try kubernetes.world.number(
                "select count(distinct subject_name) from audit where operation = 'drift.repair'"
            ) == 3
        )
        #expect(try kubernetes.world.number("select count(*) from instance where state = 'running'") == 1)
        #expect(try kubernetes.world.ledgerCloses())
    }

    /// Waits until just these objects of a table have drifted.
    private func waitForDrift(_ kubernetes: KubernetesWorld, _ table: String, _ wanted: String) throws {
        var found = ""
        do {
            _ = try eventually("the drift '\(wanted)'", within: .seconds(200)) {
                found = try kubernetes.world.database.query(
                    """
                    select coalesce(string_agg(format('%s/%s %s', o ->> 'kind', o ->> 'name', o ->> 'change'), ','
                        order by o ->> 'kind'), '')
                    from \(table), jsonb_array_elements(drift) o
                    """
                ).only().string(0)
                return found == wanted ? true : nil
            }
        } catch let error as NotSeen {
            throw NotSeen(
                description: "\(error); it was '\(found)'; the agent said: \(kubernetes.agent.output.suffix(2000))"
            )
        }
    }
}
