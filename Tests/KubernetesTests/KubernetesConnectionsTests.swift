import AsyncHTTPClient
import Foundation
import NIOCore
import TestSupport
import Testing

@testable import Kubernetes

/// What becomes of a client whose certificate was replaced.
@Suite(.timeLimit(.minutes(1)))
struct KubernetesConnectionsTests {
    /// Made for these tests and nothing else; it holds for a hundred years.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBjzCCATWgAwIBAgIUStlRBeN4AAvQRjePDVyViqyZcBMwCgYIKoZIzj0EAwIw
        HDEaMBgGA1UEAwwRYWdlbnQuZXhhbXBsZS5vcmcwIBcNMjYxMTMwMDQwODQ5WhgP
        MjEyNjExMDYwNDA4NDlaMBwxGjAYBgNVBAMMEWFnZW50LmV4YW1wbGUub3JnMFkw
        EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhvGfS5aH83rBGtBklb0W5sE/bf0nsYef
        Tu8FiRDyRwwXC2Uv3UcQo8TJeNomlmAwOqAeL6xPpb/ppGeEYMrU0aNTMFEwHQYD
        VR0OBBYEFLUCL9OZMMqNVfrz1PNBp478V7laMB8GA1UdIwQYMBaAFLUCL9OZMMqN
        Vfrz1PNBp478V7laMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIg
        AtiUR9rENDD1hACvF1S253et1XskLe52XW8HERP1GawCIQCw0LsBfmLxEbaipoif
        ZO3y4gboSUiOwBPcfYoVoo+AcA==
        -----END CERTIFICATE-----
        """

    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8Kjkc4ILM1ARb7hs
        SVAPfhgvrUmcAwnvRiQXKvD1tBmhRANCAASG8Z9LlofzesEa0GSVvRbmwT9t/Sex
        h59O7wWJEPJHDBcLZS/dRxCjxMl42iaWYDA6oB4vrE+lv+mkZ4RgytTR
        -----END PRIVATE KEY-----
        """

    /// A program that gives another chain each time: the certificate once more often.
    private static func program() throws -> CredentialProgram {
        let folder = NSTemporaryDirectory() + "exec-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/login"
        func text(_ pem: String) -> String { pem.replacingOccurrences(of: "\n", with: "\\n") + "\\n" }
        let script = """
            #!/bin/sh
            echo x >> \(folder)/calls
            chain=$(while read -r _; do printf '%s' '\(text(certificate))'; done < \(folder)/calls)
            printf '%s' '{"kind":"ExecCredential","status":{"clientCertificateData":"'"$chain"'",'
            printf '%s' '"clientKeyData":"\(text(key))","expirationTimestamp":"2020-01-01T00:00:00Z"}}'
            """
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return CredentialProgram(
            command: path,
            arguments: [],
            environment: [:],
            apiVersion: "client.authentication.k8s.io/v1"
        )
    }

    private static func ask(_ client: HTTPClient, _ server: APIServerDouble) async throws {
        let request = HTTPClientRequest(url: server.address + "/version")
        _ = try await client.execute(request, timeout: TimeAmount.seconds(30))
    }

    private static func connections(_ server: APIServerDouble, farewell: Duration) throws -> KubernetesConnections {
        let configuration = KubernetesConfiguration(server: server.address, credential: .program(try program()))
        return KubernetesConnections(configuration, farewell: farewell)
    }

    @Test func `what is under way goes on with the former client, until all are closed`() async throws {
        let server = try await APIServerDouble { _ in (200, "{}") }
        let connections = try Self.connections(server, farewell: .seconds(600))
        let former = try await connections.current().client
        let present = try await connections.current().client
        #expect(former !== present)
        try await Self.ask(former, server)
        try await Self.ask(present, server)
        await connections.close()
        await #expect(throws: HTTPClientError.self) { try await Self.ask(former, server) }
        await #expect(throws: HTTPClientError.self) { try await Self.ask(present, server) }
    }

    @Test func `a former client is shut down after a while`() async throws {
        let server = try await APIServerDouble { _ in (200, "{}") }
        let connections = try Self.connections(server, farewell: .milliseconds(1))
        let former = try await connections.current().client
        let present = try await connections.current().client
        while (try? await Self.ask(former, server)) != nil { await Task.yield() }
        try await Self.ask(present, server)
        await connections.close()
    }
}
