import Dispatch
internal import Foundation
import FoundationNetworking
import Synchronization

/// Takes one answer in, as long as it is one that a key set may have.
final class KeySetDownload: NSObject, URLSessionDataDelegate, Sendable {
    /// Why there is no document.
    struct Fault: Error, Hashable {
        let reason: String
    }

    /// How many bytes a key set may have.
    static let limit = 1 << 20

    private struct State {
        var bytes: [UInt8] = []
        var result: Result<[UInt8], Fault>?
    }

    private let state = Mutex(State())
    private let end = DispatchSemaphore(value: 0)

    /// Waits for the answer, at most that many seconds.
    func wait(_ seconds: TimeInterval) -> Result<[UInt8], Fault> {
        if end.wait(timeout: .now() + seconds) == .timedOut { finish(.failure(Self.late)) }
        return state.withLock { $0.result } ?? .failure(Self.late)
    }

    func urlSession(
        _: URLSession,
        task: URLSessionTask,
        willPerformHTTPRedirection _: HTTPURLResponse,
        newRequest request: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        let isSamePlace = Self.samePlace(task.originalRequest?.url, request.url)
        if !isSamePlace { finish(.failure(Fault(reason: "it redirects to another place, which is not followed"))) }
        completionHandler(isSamePlace ? request : nil)
    }

    func urlSession(
        _: URLSession,
        dataTask _: URLSessionDataTask,
        didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        let status = (response as? HTTPURLResponse)?.statusCode
        if status != 200 {
            finish(.failure(Fault(reason: "the answer has the status \(status ?? 0); it should be 200")))
        } else if response.expectedContentLength > Self.limit {
            finish(.failure(Self.large))
        }
        completionHandler(hasEnded ? .cancel : .allow)
    }

    func urlSession(_: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isTooLarge = state.withLock { state in
            guard state.bytes.count + data.count <= Self.limit else { return true }
            state.bytes.append(contentsOf: data)
            return false
        }
        guard isTooLarge else { return }
        finish(.failure(Self.large))
        dataTask.cancel()
    }

    func urlSession(_: URLSession, task _: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if let error {
            let isLate = (error as? URLError)?.code == .timedOut
            finish(.failure(isLate ? Self.late : Fault(reason: "there is no answer (\((error as NSError).code))")))
        } else {
            finish(.success(state.withLock { $0.bytes }))
        }
        end.signal()
    }

    private static let large = Fault(reason: "it has more than the \(limit) bytes that a key set may have")
    private static let late = Fault(reason: "it does not answer within \(Int(KeySetAddress.limit)) s")

    private var hasEnded: Bool { state.withLock { $0.result != nil } }

    /// Keeps the first result.
    ///
    /// Who waits is woken by the end of the task alone: a session that is invalidated while a callback waits for its
    /// answer ends the process (FoundationNetworking of Swift 6.3).
    private func finish(_ result: Result<[UInt8], Fault>) {
        state.withLock { state in
            if state.result == nil { state.result = result }
        }
    }

    /// Whether a redirection stays with who was asked, and is not less safe.
    static func samePlace(_ from: URL?, _ to: URL?) -> Bool {
        guard let from, let to else { return false }
        return from.scheme == to.scheme && from.host == to.host && from.port == to.port
    }
}
