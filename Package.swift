// swift-tools-version: 6.2
import PackageDescription

// The map of the project. Arrows are imports:
//
//   CRdkafka ─▶ Kafka ─┐              ┌─ Postgres ◀─ CPq
//                      └▶ WorkerRuntime ◀┘
//   CSimdjson ─▶ JSON ─▶ CloudEvents ─▲
//                                     │
//                                  Domain ◀── ClusterAgent ─▶ Kubernetes
//                                     ▲            ▲
//               one executable a worker · slipway · cluster-agent
//
//   Processes ◀─ what starts programs, or must not meanwhile: Postgres and Kafka (their own servers), Kubernetes, ClusterAgent
//   CloudEvents ◀─ Kubernetes, for the times of credentials alone
//   Base64URL, KeyFile ◀─ Identity (who calls), Sealing (confidential fields; the domain's too): on their own, for any worker

/// The settings of every Swift target: strict concurrency comes with the language mode, warnings end the build.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// Of what the simulation runs through, in debug builds too: a million commands take a seventh of the time.
let optimized: [SwiftSetting] = strict + [.unsafeFlags(["-O"])]

/// The fleet: one thin executable each, in Sources/Workers/<folder>.
let workers: [(product: String, folder: String)] = [
    ("release-worker", "ReleaseWorker"),
    ("deployment-worker", "DeploymentWorker"),
    ("agent-worker", "AgentWorker"),
    ("resource-worker", "ResourceWorker"),
    ("outbox-relay", "OutboxRelay"),
    ("timekeeper", "Timekeeper"),
]

/// The modules whose decoders are fed with hostile input.
let fuzzed: [Target.Dependency] = [
    "ClusterAgent", "CloudEvents", "Domain", "Identity", "JSON", "Kafka", "Kubernetes", "Sealing", "WorkerRuntime",
]

let package = Package(
    name: "slipway",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Kafka", targets: ["Kafka"]),
        .library(name: "Postgres", targets: ["Postgres"]),
        .library(name: "CloudEvents", targets: ["CloudEvents"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.25.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.1.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.15.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.0.0"),
    ],
    targets: [
        .systemLibrary(name: "CRdkafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "CPq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(
            name: "CSimdjson",
            cxxSettings: [.unsafeFlags(["-O3"])],
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]
        ),
        .target(
            name: "Kafka",
            dependencies: [
                "CRdkafka", "Processes",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict
        ),
        .target(name: "Processes", swiftSettings: strict),
        .target(
            name: "Postgres",
            dependencies: ["CPq", "Processes", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict
        ),
        .target(name: "JSON", dependencies: ["CSimdjson"], swiftSettings: optimized),
        .target(name: "CloudEvents", dependencies: ["JSON"], swiftSettings: strict),
        .target(name: "Base64URL", swiftSettings: strict),
        .target(name: "KeyFile", swiftSettings: strict),
        .target(
            name: "Identity",
            dependencies: [
                "Base64URL", "KeyFile", "JSON",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Sealing",
            dependencies: ["Base64URL", "KeyFile", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: strict
        ),
        .target(
            name: "WorkerRuntime",
            dependencies: [
                "Kafka", "Postgres", "CloudEvents", "JSON",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            resources: [.embedInCode("Migrations")],
            swiftSettings: optimized
        ),
        .target(
            name: "Domain",
            dependencies: [
                "WorkerRuntime", "Postgres", "CloudEvents", "JSON", "Identity", "Sealing",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [.embedInCode("Migrations")],
            swiftSettings: optimized
        ),
        // What an agent needs of the Kubernetes API; knows nothing of Slipway.
        .target(
            name: "Kubernetes",
            dependencies: [
                "CloudEvents", "Processes",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "ClusterAgent",
            dependencies: [
                "Kafka", "CloudEvents", "JSON", "Domain", "Kubernetes", "Processes", "WorkerRuntime", "Sealing",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: optimized
        ),
        .executableTarget(
            name: "cluster-agent",
            dependencies: [
                "ClusterAgent", "WorkerRuntime", "Domain", "Kafka", "Kubernetes",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Workers/ClusterAgent",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "slipway",
            dependencies: [
                "Domain", "WorkerRuntime", "Kafka", "Postgres", "Processes", "CloudEvents", "Identity", "JSON",
                "Sealing",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/SlipwayCommand",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "slipway-bench",
            dependencies: [
                "Domain", "WorkerRuntime", "Kafka", "Postgres", "Processes", "CloudEvents", "JSON", "Identity",
                "Sealing",
                "SimdjsonLimit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/SlipwayBench",
            swiftSettings: strict
        ),
        .target(
            name: "SimdjsonLimit",
            path: "Benchmarks/simdjson",
            cxxSettings: [.unsafeFlags(["-O3"])],
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]
        ),
        // The checker knows nothing of the workers: it must not share their mistakes.
        .target(
            name: "FleetCheck",
            dependencies: ["Kafka", "Postgres"],
            swiftSettings: optimized
        ),
        .executableTarget(
            name: "slipway-check",
            dependencies: [
                "FleetCheck", "Kafka", "Postgres",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/SlipwayCheck",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "slipway-chaos",
            dependencies: [
                "FleetCheck", "ClusterAgent", "Domain", "WorkerRuntime", "Kafka", "Postgres", "Processes", "Identity",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/SlipwayChaos",
            swiftSettings: strict
        ),
        .target(
            name: "TestSupport",
            dependencies: [
                "Kafka", "Postgres", "Processes", "Domain", "Identity", "WorkerRuntime", "CloudEvents", "JSON",
                .product(name: "FlyingFox", package: "FlyingFox"),
            ],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        .testTarget(
            name: "KafkaTests",
            dependencies: [
                "Kafka", "Processes", .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "ProcessesTests", dependencies: ["Processes"], swiftSettings: strict),
        .testTarget(
            name: "PostgresTests",
            dependencies: ["Postgres", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict
        ),
        .target(
            name: "SimdjsonReference",
            path: "Tests/SimdjsonReference",
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]
        ),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "SimdjsonReference"], swiftSettings: strict),
        .testTarget(name: "CloudEventsTests", dependencies: ["CloudEvents", "JSON"], swiftSettings: strict),
        .testTarget(
            name: "IdentityTests",
            dependencies: [
                "Identity", "Base64URL", "JSON",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "SealingTests",
            dependencies: ["Sealing", "KeyFile", "Base64URL", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "WorkerRuntimeTests",
            dependencies: [
                "WorkerRuntime", "TestSupport", "Kafka", "Postgres", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "DomainTests",
            dependencies: [
                "Domain", "TestSupport", "Identity", "Kafka", "WorkerRuntime", "Postgres", "Processes", "CloudEvents",
                "ClusterAgent",
                "JSON", "Sealing",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "KubernetesTests",
            dependencies: [
                "Kubernetes", "TestSupport", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ClusterAgentTests",
            dependencies: [
                "ClusterAgent", "Kubernetes", "TestSupport", "Kafka", "Processes", "Domain", "JSON", "CloudEvents",
                "WorkerRuntime", "Sealing",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FleetCheckTests",
            dependencies: [
                "FleetCheck", "slipway-chaos", "TestSupport", "Domain", "Kafka", "Postgres", "WorkerRuntime",
            ],
            swiftSettings: strict
        ),
        // The decisions of the fleet and its agents under a virtual clock and a seeded scheduler.
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "ClusterAgent", "Domain", "FleetCheck", "JSON", "Kafka", "Postgres", "TestSupport", "WorkerRuntime",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: optimized
        ),
        // Hostile input to every decoder; reads its corpus from the folder.
        .testTarget(
            name: "FuzzTests",
            dependencies: fuzzed,
            exclude: ["Corpus", "Coverage"],
            swiftSettings: strict
        ),
        // The real executables as processes: they lie beside the test bundle.
        .testTarget(
            name: "FleetTests",
            dependencies: [
                "ClusterAgent", "Domain", "TestSupport", "Kafka", "Postgres", "Processes", "WorkerRuntime",
                "CloudEvents", "JSON",
            ],
            swiftSettings: strict
        ),
    ]
)

package.targets += workers.map { worker in
    .executableTarget(
        name: worker.product,
        dependencies: [
            "Domain", "Identity", "Sealing", "WorkerRuntime",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        path: "Sources/Workers/\(worker.folder)",
        swiftSettings: strict
    )
}

// The same decoders as a program for libFuzzer, in place of their tests: only for `make fuzz-coverage`.
if Context.environment["SLIPWAY_FUZZ_COVERAGE"] != nil {
    package.targets.removeAll { $0.name == "FuzzTests" }
    package.targets.append(
        .executableTarget(
            name: "slipway-fuzz",
            dependencies: fuzzed,
            path: "Tests/FuzzTests",
            exclude: ["Corpus", "Fuzzer.swift", "DecoderFuzzTests.swift"],
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]
        )
    )
}
