import Dispatch
internal import Foundation
import FoundationNetworking
import Synchronization

/// Takes one answer in, as long as it is one that a key set may have.
///
/// A fault is noted, and the transfer is left to come to its own end: on Linux a session that is canceled while it asks
/// about a redirection ends the process. Only who sends data without end is cut off, when no redirection can come any more.
final class KeySetDownload: NSObject, URLSessionDataDelegate, Sendable {
    /// Why there is no document.
    struct Fault: Error, Hashable {
        let reason: String
    }

    /// How many bytes a key set may have.
    static let limit = 1 << 20

    private struct State {
        var bytes: [UInt8] = []
        var received = 0
        /// The first thing that was wrong.
        var fault: Fault?
    }

    private let state = Mutex(State())
    private let end = DispatchSemaphore(value: 0)

    /// Waits for the end of the transfer, at most that many seconds.
    func wait(_ seconds: TimeInterval) -> Result<[UInt8], Fault> {
        if end.wait(timeout: .now() + seconds) == .timedOut { note(Self.late) }
        return state.withLock { state in state.fault.map(Result.failure) ?? .success(state.bytes) }
    }

    func urlSession(
        _: URLSession,
        task: URLSessionTask,
        willPerformHTTPRedirection _: HTTPURLResponse,
        newRequest request: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        let isSamePlace = Self.samePlace(task.originalRequest?.url, request.url)
        if !isSamePlace { note(Fault(reason: "it redirects to another place, which is not followed")) }
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
            note(Fault(reason: "the answer has the status \(status ?? 0); it should be 200"))
        }
        completionHandler(.allow)
    }

    func urlSession(_: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isEndless = state.withLock { state in
            state.received += data.count
            if state.received > Self.limit { state.fault = state.fault ?? Self.large }
            if state.fault == nil { state.bytes.append(contentsOf: data) }
            return state.received > Self.limit || state.fault == Self.late
        }
        if isEndless { dataTask.cancel() }
    }

    func urlSession(_: URLSession, task _: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if let error {
            let isLate = (error as? URLError)?.code == .timedOut
            note(isLate ? Self.late : Fault(reason: "there is no answer (\((error as NSError).code))"))
        }
        end.signal()
    }

    private static let large = Fault(reason: "it has more than the \(limit) bytes that a key set may have")
    private static let late = Fault(reason: "it does not answer within \(Int(KeySetAddress.limit)) s")

    private func note(_ fault: Fault) {
        state.withLock { $0.fault = $0.fault ?? fault }
    }

    /// Whether a redirection stays with who was asked, and is not less safe.
    static func samePlace(_ from: URL?, _ to: URL?) -> Bool {
        guard let from, let to else { return false }
        return from.scheme == to.scheme && from.host == to.host && from.port == to.port
    }
}
