import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Kubernetes

/// What the client sends, and what it makes of the answers.
@Suite(.timeLimit(.minutes(1)))
struct KubernetesClientTests {
    private static let pods = KubernetesKind(apiVersion: "v1", kind: "Pod", plural: "pods", isNamespaced: true)

    private func client(_ server: APIServerDouble, _ credential: KubernetesCredential = .none) -> KubernetesClient {
        KubernetesClient(KubernetesConfiguration(server: server.address, credential: credential))
    }

    @Test func `an apply names its field manager and takes fields over`() async throws {
        let server = try await APIServerDouble { _ in (200, "{}") }
        let client = client(server, .token("t"))
        _ = try await client.apply(Array("{}".utf8), Self.pods, namespace: "shop", name: "web")
        await client.close()
        let request = try #require(server.asked.first)
        #expect(request.method == "PATCH" && request.path == "/api/v1/namespaces/shop/pods/web")
        #expect(request.query == ["fieldManager": "slipway", "force": "true"])
        #expect(request.headers["content-type"] == "application/apply-patch+yaml")
        #expect(request.headers["authorization"] == "Bearer t")
    }

    @Test func `a client that nobody has closed ends by itself`() async throws {
        let server = try await APIServerDouble { _ in (200, "{}") }
        // A debug build ends the process where the connections are dropped while they are open.
        for _ in 1...3 { _ = try await client(server).get(Self.pods, namespace: "shop", name: "web") }
        #expect(server.asked.count == 3)
    }

    static let errors: [(status: Int, body: String, retriable: Bool, says: String)] = [
        (409, #"{"reason":"AlreadyExists","message":"pods \"web\" already exists"}"#, false, "already exists"),
        (410, #"{"reason":"Expired","message":"too old resource version"}"#, false, "too old"),
        (429, "slow down", true, "it gave no reason"), (500, #"{"message":"etcd is away"}"#, true, "etcd is away"),
        (403, #"{"reason":"Forbidden","message":"no"}"#, false, "403 Forbidden"),
    ]

    @Test(arguments: errors)
    func `an answer that is an error is one`(status: Int, body: String, retriable: Bool, says: String) async throws {
        let server = try await APIServerDouble { _ in (status, body) }
        let client = client(server)
        let error = await #expect(throws: KubernetesError.self) {
            try await client.get(Self.pods, namespace: "shop", name: "web")
        }
        await client.close()
        #expect(error?.status == status && error?.isRetriable == retriable)
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }

    @Test func `a server that is away is told at once in a sentence, and may be tried again`() async throws {
        let port = try SilentPort()
        defer { withExtendedLifetime(port) {} }
        let client = KubernetesClient(
            KubernetesConfiguration(server: "http://127.0.0.1:\(port.number)", credential: .none)
        )
        // Were the connection tried again in secret, each would take its 30 seconds.
        for _ in 1...3 {
            let error = await #expect(throws: KubernetesError.self) {
                try await client.get(Self.pods, namespace: "shop", name: "web")
            }
            #expect(error?.isRetriable == true)
            #expect(error?.description.hasPrefix("The Kubernetes API cannot be reached") == true)
        }
        await client.close()
    }

    @Test func `a kind that the server does not have is no error to look for, and one to want`() async throws {
        let server = try await APIServerDouble { request in
            request.path == "/apis/apps/v1"
                ? (
                    200,
                    #"{"resources":[{"name":"deployments","kind":"Deployment","namespaced":true},{"name":"deployments/scale","kind":"Scale","namespaced":true}]}"#
                )
                : (404, "404 page not found")
        }
        let client = client(server)
        let found = try await client.kind("Deployment", "apps/v1")
        #expect(found?.path(namespace: "shop", name: "web") == "/apis/apps/v1/namespaces/shop/deployments/web")
        #expect(try await client.kind("Scale", "apps/v1") == nil)
        #expect(try await client.kind("Certificate", "cert-manager.io/v1") == nil)
        let error = await #expect(throws: KubernetesError.self) {
            try await client.requireKind("Certificate", "cert-manager.io/v1")
        }
        await client.close()
        #expect(error?.description.contains("is what brings it installed?") == true)
    }

    @Test func `a log comes line by line, its last line without an end too`() async throws {
        let server = try await APIServerDouble { _ in (200, "one\ntwo\n\nthree") }
        let client = client(server)
        let lines = Mutex<[String]>([])
        try await client.log(
            of: "web-1",
            in: "shop",
            KubernetesClient.LogRange(container: "web", lines: 10, follow: true, previous: true),
            limit: .seconds(60)
        ) { line in lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
        await client.close()
        #expect(lines.withLock { $0 } == ["one", "two", "", "three"])
        let query = try #require(server.asked.first?.query)
        #expect(query == ["container": "web", "tailLines": "10", "follow": "true", "previous": "true"])
    }

    static let patience: [(limit: Duration, silence: Duration?, says: String)] = [
        (.milliseconds(500), nil, "did not answer in time"), (.seconds(600), .milliseconds(500), "has fallen silent"),
    ]

    @Test(arguments: patience)
    func `a server that falls silent in mid-answer, as on a dead connection, is given up`(
        limit: Duration,
        silence: Duration?,
        says: String
    ) async throws {
        let server = try SilentServer(
            saying: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n"
        )
        let client = KubernetesClient(KubernetesConfiguration(server: server.address, credential: .none))
        let error = await #expect(throws: KubernetesError.self) {
            try await client.lines("/watch", limit: limit, silence: silence) { _ in }
        }
        let whole = await #expect(throws: KubernetesError.self) {
            try await client.send(.get, "/whole", limit: .milliseconds(500))
        }
        await client.close()
        #expect(error?.isRetriable == true && error?.description.contains(says) == true, "\(String(describing: error))")
        #expect(whole?.isRetriable == true)
    }

    @Test func `a line that takes long to be taken is not the server's silence`() async throws {
        let server = try await APIServerDouble { _ in (200, "one\ntwo\n") }
        let client = client(server)
        let lines = Mutex(0)
        let patience = Patience(.seconds(3_600), silence: .seconds(600))
        try await client.lines("/log", patience: patience) { _ in
            _ = try patience.next(at: .now + .seconds(1_200))
            lines.withLock { $0 += 1 }
        }
        await client.close()
        #expect(lines.withLock { $0 } == 2)
        #expect(throws: KubernetesError.self, "it waits for the next one") {
            try patience.next(at: .now + .seconds(1_200))
        }
    }

    @Test func `certificates that are no PEM are not tried again and again`() async throws {
        let client = KubernetesClient(
            KubernetesConfiguration(server: "https://127.0.0.1:1", authority: Array("no PEM".utf8), credential: .none)
        )
        let error = await #expect(throws: KubernetesError.self) {
            try await client.get(Self.pods, namespace: "shop", name: "web")
        }
        await client.close()
        #expect(error?.isRetriable == false && error?.description.contains("no PEM") == true)
    }

    @Test func `of secrets only metadata is asked for`() async throws {
        let server = try await APIServerDouble { _ in (200, "{}") }
        let client = client(server)
        let secrets = KubernetesKind(apiVersion: "v1", kind: "Secret", plural: "secrets", isNamespaced: true)
        _ = try await client.list(secrets, namespace: "shop", detail: .metadata)
        await client.close()
        #expect(server.asked.first?.headers["accept"]?.contains("as=PartialObjectMetadataList") == true)
    }

    @Test func `a credential program is asked, asked again before its answer expires, and its failure told`()
        async throws
    {
        let folder = NSTemporaryDirectory() + "exec-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let program = folder + "/login"
        func write(_ body: String) throws {
            try "#!/bin/sh\n\(body)\n".write(toFile: program, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        }
        try write(
            #"echo x >> \#(folder)/calls; echo '{"kind":"ExecCredential","status":{"token":"'$NAME'","expirationTimestamp":"2020-01-01T00:00:00Z"}}'"#
        )
        let server = try await APIServerDouble { _ in (200, "{}") }
        let exec = CredentialProgram(
            command: program,
            arguments: [],
            environment: ["NAME": "t-1"],
            apiVersion: "client.authentication.k8s.io/v1"
        )
        let client = client(server, .program(exec))
        for _ in 0..<2 { _ = try await client.get(Self.pods, namespace: "shop", name: "web") }
        #expect(server.asked.map { $0.headers["authorization"] } == ["Bearer t-1", "Bearer t-1"])
        #expect(try String(contentsOfFile: folder + "/calls", encoding: .utf8) == "x\nx\n", "it had expired")
        try write("exit 3")
        let error = await #expect(throws: KubernetesError.self) {
            try await client.get(Self.pods, namespace: "shop", name: "web")
        }
        await client.close()
        #expect(error?.description.contains("ended with exit code 3") == true)
    }

    @Test func `a token file is read again after the server has refused its token`() async throws {
        let file = NSTemporaryDirectory() + "token-\(UUID().uuidString)"
        try "old\n".write(toFile: file, atomically: true, encoding: .utf8)
        let server = try await APIServerDouble { request in
            request.headers["authorization"] == "Bearer new" ? (200, "{}") : (401, #"{"reason":"Unauthorized"}"#)
        }
        let client = client(server, .tokenFile(file))
        let error = await #expect(throws: KubernetesError.self) {
            try await client.get(Self.pods, namespace: "shop", name: "web")
        }
        #expect(error?.isDenied == true)
        // The token that is remembered is refused: who asks does not notice.
        try "new\n".write(toFile: file, atomically: true, encoding: .utf8)
        _ = try await client.get(Self.pods, namespace: "shop", name: "web")
        await client.close()
        #expect(
            server.asked.map { $0.headers["authorization"] } == ["old", "old", "old", "new"].map { "Bearer \($0)" }
        )
    }

    /// A credential program that notes each of its runs as a line of the file `calls`.
    private func program(_ body: (_ folder: String) -> String) throws -> (program: CredentialProgram, folder: String) {
        let folder = NSTemporaryDirectory() + "exec-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = "#!/bin/sh\necho x >> \(folder)/calls\n\(body(folder))\n"
        try script.write(toFile: folder + "/login", atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/login")
        let program = CredentialProgram(
            command: folder + "/login",
            arguments: [],
            environment: [:],
            apiVersion: "client.authentication.k8s.io/v1"
        )
        return (program, folder)
    }

    @Test func `a credential program is started once for all who wait for its answer`() async throws {
        let (program, folder) = try program { folder in
            """
            timeout 10 sh -c 'until [ -e \(folder)/go ]; do :; done'
            echo '{"kind":"ExecCredential","status":{"token":"t"}}'
            """
        }
        let server = try await APIServerDouble { _ in (200, "{}") }
        let client = client(server, .program(program))
        try await withThrowingTaskGroup { group in
            for _ in 1...10 {
                group.addTask { _ = try await client.get(Self.pods, namespace: "shop", name: "web") }
            }
            try Data().write(to: URL(fileURLWithPath: folder + "/go"))
            try await group.waitForAll()
        }
        await client.close()
        #expect(try String(contentsOfFile: folder + "/calls", encoding: .utf8) == "x\n")
    }

    @Test func `a token that is refused is sent again once another request has fetched a newer one`() async throws {
        let (program, _) = try program { folder in
            #"echo '{"kind":"ExecCredential","status":{"token":"'$(wc -l < \#(folder)/calls)'"}}'"#
        }
        let connections = KubernetesConnections(
            KubernetesConfiguration(server: "http://127.0.0.1:1", credential: .program(program)),
            programPause: .zero
        )
        let old = try await connections.current().token
        #expect(await connections.forget(old))
        #expect(try await connections.current().token == "2" && old == "1")
        // The refusal of the old one arrives late: nothing is asked of the program, and there is something to send.
        #expect(await connections.forget(old))
        #expect(try await connections.current().token == "2")
        await connections.close()
    }

    @Test(arguments: [
        ("2026-11-23T08:00:00Z", true), ("2026-11-23T08:00:00.123456Z", true), ("2026-11-23T08:00:00+01:00", true),
        ("soon", false),
    ])
    func `the end of a credential is read with fractions of a second, too`(text: String, isOne: Bool) {
        #expect((CredentialProgram.date(text) != nil) == isOne)
    }

    @Test(arguments: [
        (401, "Unauthorized", true), (403, #"pods is forbidden: User "a" cannot list resource"#, true),
        (403, #"pods "a" is forbidden: exceeded quota"#, false), (404, "not found", false), (500, "oops", false),
    ])
    func `rights that are missing are told from other refusals`(status: Int, message: String, isDenied: Bool) {
        #expect(KubernetesError(status: status, reason: "", message: message).isDenied == isDenied)
    }
}
