internal import JSON

/// The Ingress of a domain.
enum DomainManifest {
    /// Writes a domain that was checked.
    static func make(_ domain: DomainSpec, head: ObjectHead) -> ObjectManifest {
        ObjectManifest(
            head,
            apiVersion: "networking.k8s.io/v1",
            kind: "Ingress",
            annotations: domain.annotations ?? [:]
        ) { json in
            json.member("spec") { spec in
                spec.array("rules") { rules in
                    rules.object { rule in
                        rule.member("host", domain.host)
                        rule.member("http") { http in
                            http.array("paths") { paths in
                                for path in domain.paths { write(path, into: &paths) }
                            }
                        }
                    }
                }
                guard let certificate = domain.certificate else { return }
                spec.array("tls") { tls in
                    tls.object { entry in
                        entry.member("hosts", array: [domain.host])
                        entry.member("secretName", CertificateManifest.secretName(of: certificate))
                    }
                }
            }
        }
    }

    private static func write(_ path: DomainPath, into json: inout JSONWriter) {
        json.object { json in
            json.member("path", path.path)
            json.member("pathType", "Prefix")
            json.member("backend") { backend in
                backend.member("service") { service in
                    service.member("name", path.network)
                    service.member("port") { $0.member("number", path.port) }
                }
            }
        }
    }
}
