import WorkerRuntime

/// Bodies as Harbor, GitLab and GitHub send them, shortened to what is read and something besides.
enum Webhook {
    static let digest = "sha256:8a9e9863dbb6e10edb5adfe917c00da84e1700fa76e7ed02476aa6e6fb8ee0d8"
    /// The tag under which cosign lays the signature of the image of ``digest``.
    static let signature = digest.replacing(":", with: "-") + ".sig"
    static let commit = "c4f565ead4815e51b4dd63c7672efec866d91148"

    static func pushed(_ tag: String = "1.4.2", digest: String = digest, name: String = "web") -> String {
        #"""
        {"resources":[{"digest":"\#(digest)","tag":"\#(tag)","resource_url":"harbor.example/shop/\#(name):\#(tag)"}],
        "repository":{"date_created":1763884000,"name":"\#(name)","namespace":"shop",
        "repo_full_name":"shop/\#(name)","repo_type":"private"}}
        """#
    }

    static func harbor(_ type: String = "PUSH_ARTIFACT", _ data: String = pushed()) -> String {
        #"{"type":"\#(type)","occur_at":1763884800,"operator":"admin","event_data":\#(data)}"#
    }

    static func gitLab(_ tag: String = "1.4.2", action: String = "create", kind: String = "release") -> String {
        #"""
        {"id":1,"released_at":"2025-11-23 08:00:00 UTC","tag":"\#(tag)","object_kind":"\#(kind)",
        "project":{"id":2,"name":"The Web","path_with_namespace":"shop/backend/Web","default_branch":"main"},
        "action":"\#(action)","commit":{"id":"\#(commit)","message":"Faster search"}}
        """#
    }

    static func gitHub(
        _ tag: String = "1.4.2",
        action: String = "published",
        more: String = #""draft":false,"prerelease":false"#,
        commitish: String = "release/1.4"
    ) -> String {
        #"""
        {"action":"\#(action)","release":{"id":3,"tag_name":"\#(tag)","target_commitish":"\#(commitish)",\#(more),
        "published_at":"2025-11-23T08:00:00Z"},"repository":{"name":"Web","full_name":"shop/Web"}}
        """#
    }

    static func event(
        _ type: String,
        _ body: String,
        id: String = "e1",
        headers: [(String, String)] = []
    ) -> KafkaMessageView {
        plain(
            body,
            [("ce_specversion", "1.0"), ("ce_id", id), ("ce_source", "/hooks"), ("ce_type", type)] + headers
        )
    }

    static func plain(_ body: String, _ headers: [(String, String)]) -> KafkaMessageView {
        KafkaMessageView(
            topic: "release.events",
            brokerTime: CommandWorld.milliseconds(),
            key: "web",
            headers: [("content-type", "application/json")] + headers,
            value: Array(body.utf8)
        )
    }
}
