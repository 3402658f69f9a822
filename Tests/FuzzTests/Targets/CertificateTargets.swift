import Foundation
import Sealing
import WorkerRuntime

@testable import Domain

extension FuzzTarget {
    static let certificates = [chain, certificate, privateKey]

    private static let moment: Int64 = 1_800_000_000_000_000

    private static let chain = FuzzTarget("certificate-chain", text: { text in try readChain(text) })

    /// The bytes of one certificate without its base64, which a fuzzer hardly gets through.
    private static let certificate = FuzzTarget(
        "certificate",
        each: { bytes in
            try readChain("-----BEGIN CERTIFICATE-----\n\(base64(bytes))\n-----END CERTIFICATE-----\n")
        }
    )

    private static func readChain(_ pem: String) throws {
        do throws(Reason) {
            let chain = try CertificateChain(pem: pem)
            _ = (chain.fingerprints, CertificateValidity.words(chain.validity.notAfter))
            _ = try chain.hosts()
            try chain.check(domains: ["web.example.org"], now: moment)
        } catch { try check(error) }
    }

    private static let privateKey = FuzzTarget("private-key") {
        let chains = try Corpus.files("certificate-chain").compactMap {
            try? CertificateChain(pem: String(decoding: $0, as: UTF8.self))
        }
        guard let chain = chains.first else { throw FuzzFault("the corpus holds no chain of certificates") }
        return { bytes in
            do throws(Reason) { try chain.check(privateKey: SecretBytes(bytes)) } catch { try check(error) }
        }
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    }
}
