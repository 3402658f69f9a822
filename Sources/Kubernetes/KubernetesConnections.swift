import AsyncHTTPClient
import Foundation
import NIOCore
import NIOSSL

/// The HTTP client of a configuration, made anew when its certificate changes, and the token of the moment.
actor KubernetesConnections {
    private let configuration: KubernetesConfiguration
    private var client: HTTPClient?
    /// Clients of former certificates, on which something may be under way.
    private var former: [HTTPClient] = []
    /// The certificate that the client was made with.
    private var chain: [UInt8]?
    private var fileToken: (token: String, readAt: ContinuousClock.Instant)?
    private var answer: CredentialProgram.Answer?
    private var askedAt: ContinuousClock.Instant?
    /// The program while it runs: many requests wait for one answer.
    private var asking: Task<Result<CredentialProgram.Answer, KubernetesError>, Never>?
    private var isClosed = false

    /// How long a token that was read from a file is used before it is read again.
    private static let tokenAge = Duration.seconds(30)

    /// How long what a program gave is not asked for again, though the server refuses it.
    private let programPause: Duration

    /// How long what is under way with a former certificate may take to its end: longer than a watch, and than most logs
    /// are followed.
    private let farewell: Duration

    init(
        _ configuration: KubernetesConfiguration,
        programPause: Duration = .seconds(10),
        farewell: Duration = .seconds(3_700)
    ) {
        self.programPause = programPause
        self.farewell = farewell
        self.configuration = configuration
    }

    deinit {
        // A client that nobody has closed is shut down all the same: it must not be dropped while it runs.
        for open in former + [client].compactMap({ $0 }) { Task { try? await open.shutdown() } }
    }

    /// The client, and the token to send where there is one.
    func current() async throws(KubernetesError) -> (client: HTTPClient, token: String?) {
        guard !isClosed else { throw .unreachable("The client was closed.") }
        switch configuration.credential {
        case .none: return (try client(with: nil), nil)
        case .token(let token): return (try client(with: nil), token)
        case .tokenFile(let path): return (try client(with: nil), try token(in: path))
        case .certificate(let chain, let key): return (try client(with: (chain, key)), nil)
        case .program(let program):
            let answer = try await ask(program)
            return (try client(with: answer.certificate), answer.token)
        }
    }

    /// Has everything asked again that was remembered: the server did not accept it.
    ///
    /// - Parameter token: What it did not accept; another request may have fetched a newer one meanwhile.
    /// - Returns: Whether there may be something else to send.
    func forget(_ token: String?) -> Bool {
        switch configuration.credential {
        case .none, .token, .certificate: return false
        case .tokenFile:
            if fileToken?.token == token { fileToken = nil }
            return true
        case .program:
            guard answer?.token == token else { return true }
            // A program that keeps giving what is refused is not asked all the time.
            guard let askedAt, askedAt < .now - programPause else { return false }
            answer = nil
            return true
        }
    }

    func close() async {
        isClosed = true
        let open = former + [client].compactMap { $0 }
        (former, client) = ([], nil)
        for client in open { try? await client.shutdown() }
    }

    /// Lets what is under way on a client come to its end before it is shut down, which would cancel it.
    private func retire(_ old: HTTPClient) {
        former.append(old)
        Task { [weak self, farewell] in
            try? await Task.sleep(for: farewell)
            await self?.shutDown(old)
        }
    }

    private func shutDown(_ old: HTTPClient) async {
        guard let place = former.firstIndex(where: { $0 === old }) else { return }
        former.remove(at: place)
        try? await old.shutdown()
    }

    private func token(in path: String) throws(KubernetesError) -> String {
        if let fileToken, fileToken.readAt > .now - Self.tokenAge { return fileToken.token }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .unreachable("The token file '\(path)' cannot be read.")
        }
        let token = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        fileToken = (token, .now)
        return token
    }

    private func ask(_ program: CredentialProgram) async throws(KubernetesError) -> CredentialProgram.Answer {
        if let answer, answer.expires.map({ $0.timeIntervalSinceNow > 30 }) ?? true { return answer }
        let task =
            asking
            ?? Task {
                do throws(KubernetesError) { return .success(try await program.ask()) } catch { return .failure(error) }
            }
        asking = task
        let result = await task.value
        asking = nil
        let new = try result.get()
        (answer, askedAt) = (new, .now)
        return new
    }

    private func client(with certificate: (chain: [UInt8], key: [UInt8])?) throws(KubernetesError) -> HTTPClient {
        // It may have been closed while a program was asked for the certificate.
        guard !isClosed else { throw .unreachable("The client was closed.") }
        if let client, chain == certificate?.chain { return client }
        let new = HTTPClient(eventLoopGroupProvider: .singleton, configuration: try settings(certificate))
        if let client { retire(client) }
        (client, chain) = (new, certificate?.chain)
        return new
    }

    private func settings(
        _ certificate: (chain: [UInt8], key: [UInt8])?
    ) throws(KubernetesError) -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        do {
            if let authority = configuration.authority {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authority))
            }
            if let certificate {
                let chain = try NIOSSLCertificate.fromPEMBytes(certificate.chain)
                tls.certificateChain = chain.map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: certificate.key, format: .pem))
            }
        } catch {
            throw .unusable("The certificates of the Kubernetes configuration are no PEM that can be read.")
        }
        if !configuration.isVerified { tls.certificateVerification = .none }
        var settings = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5))
        )
        // A watch holds its connection for minutes: each namespace has one for each kind.
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 100_000
        // Who asks again knows when: the pool's own tries come up to a minute apart, also once the server is back.
        settings.connectionPool.retryConnectionEstablishment = false
        settings.httpVersion = .http1Only
        if let name = configuration.serverName, let host = URL(string: configuration.server)?.host {
            settings.dnsOverride = [name: host]
        }
        return settings
    }
}
