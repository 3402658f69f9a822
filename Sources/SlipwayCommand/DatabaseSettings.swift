/// Settings of a server and its database by which a fleet may lose what it was told, slow down or fill the disk.
///
/// Which values are recommended, and what each is worth, is in docs/postgresql.md.
struct DatabaseSettings {
    var fsync = "on"
    var synchronousCommit = "on"
    var fullPageWrites = "on"
    var autovacuum = "on"
    var encoding = "UTF8"
    /// In whose order texts stand.
    var locale = "C"

    /// Locales whose order is that of the bytes.
    private static let bytewise: Set = ["C", "POSIX", "C.UTF-8", "C.utf8"]

    /// What is right and what is not.
    var findings: [Finding] { [durability, vacuum, texts] }

    private var durability: Finding {
        guard fsync == "on", synchronousCommit != "off" else {
            return Finding(
                "durability",
                .wrong,
                "fsync=\(fsync) and synchronous_commit=\(synchronousCommit): what was committed can be lost; set both to on"
            )
        }
        guard fullPageWrites == "on" else {
            return Finding(
                "durability",
                .warning,
                "full_page_writes=\(fullPageWrites): a crash can leave half a page unless the file system writes pages whole; set it to on"
            )
        }
        return Finding("durability", .right, "fsync=on, synchronous_commit=\(synchronousCommit), full_page_writes=on")
    }

    private var vacuum: Finding {
        guard autovacuum == "on" else {
            return Finding(
                "autovacuum",
                .wrong,
                "autovacuum=\(autovacuum): the outbox and the tables of states grow without end; set it to on"
            )
        }
        return Finding("autovacuum", .right, "is on")
    }

    private var texts: Finding {
        guard encoding == "UTF8" else {
            return Finding(
                "texts",
                .wrong,
                "the database's encoding is \(encoding), which cannot hold every text; make it with encoding 'UTF8'"
            )
        }
        guard Self.bytewise.contains(locale) else {
            return Finding(
                "texts",
                .warning,
                "keys are compared in the order of \(locale), which is slower, and a newer library may order them anew; "
                    + "make the database with locale 'C'"
            )
        }
        return Finding("texts", .right, "are UTF8, in the order of their bytes")
    }
}
