#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The program that this process runs.
public enum OwnExecutable {
    /// The folder in which it lies, without symbolic links; the fleet's other programs lie beside it.
    ///
    /// Asked for once, since a program may be replaced meanwhile. The present folder where the kernel does not say.
    public static let folder: String = {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return "." }
        let path = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }()

    /// Where another program of the fleet should lie.
    public static func beside(_ name: String) -> String { folder + "/" + name }
}
