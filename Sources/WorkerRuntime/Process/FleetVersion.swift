public import Postgres

/// Which version of the fleet's messages and stored states may be written, while workers of several versions run.
///
/// A new type, version or field that older workers would refuse is a feature; its number is the version that brought it.
/// Workers are brought up to date one after another: each writes a feature only when all that live understand it, which
/// the database knows (`fleet_version()`).
public enum FleetVersion {
    /// What this program understands; raised by one with each feature.
    ///
    /// 2: rows of objects that have long been gone are forgotten, and their streams say behind which revision to go on.
    public static let own: Int32 = 2

    /// The lowest version of the workers that live; this program's where none is known.
    public static func lowest(in transaction: borrowing PostgresTransaction) throws(PostgresError) -> Int32 {
        try transaction.query("select coalesce(fleet_version(), $1)", [.int32(own)]).only().int32(0)
    }

    /// Whether a feature may be used: every living worker understands it.
    public static func allows(
        _ feature: Int32,
        in transaction: borrowing PostgresTransaction
    ) throws(PostgresError) -> Bool {
        try feature <= lowest(in: transaction)
    }
}
