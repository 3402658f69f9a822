import Dispatch
internal import Foundation
import FoundationNetworking

/// A key set at an address.
///
/// The calling thread waits for the answer, which is why only lanes and threads of their own may call.
struct KeySetAddress: KeySetOrigin {
    /// How long one look may take.
    static let limit: TimeInterval = 5

    let url: URL

    /// A request that names a key which is missing waits for the next look, and all of its Kafka key with it: not for
    /// long, as anybody can make up a key's name.
    let pace = KeySetPace(renewal: .seconds(600), missingKey: .seconds(2), retry: .seconds(5), renewsAside: true)

    func read(unless _: KeySetStamp?) throws(IdentityError) -> KeySetReading {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = Self.limit
        configuration.timeoutIntervalForResource = Self.limit
        configuration.httpCookieStorage = nil
        configuration.urlCache = nil
        let download = KeySetDownload()
        let session = URLSession(configuration: configuration, delegate: download, delegateQueue: nil)
        defer { session.finishTasksAndInvalidate() }
        var request = URLRequest(url: url)
        request.setValue("application/jwk-set+json, application/json", forHTTPHeaderField: "Accept")
        session.dataTask(with: request).resume()
        switch download.wait(Self.limit + 0.5) {
        case .success(let bytes): return .document(bytes, nil)
        case .failure(let fault):
            throw IdentityError(.keySetUnreachable, "The key set at '\(place)' cannot be read: \(fault.reason).")
        }
    }

    /// The address without what may be a secret in it.
    private var place: String {
        let port = url.port.map { ":\($0)" } ?? ""
        return "\(url.scheme ?? "")://\(url.host ?? "")\(port)\(url.path)"
    }
}
