# One image for the whole fleet: the executable is chosen by the command.
FROM swift:6.3-bookworm AS build
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends librdkafka-dev libpq-dev libsimdjson-dev libcurl4-openssl-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /slipway
COPY Package.swift ./
RUN swift package resolve
COPY Sources ./Sources
COPY Tests ./Tests
COPY Benchmarks/simdjson ./Benchmarks/simdjson
RUN swift build -c release --static-swift-stdlib \
    && mkdir /out \
    && for name in slipway release-worker deployment-worker agent-worker resource-worker outbox-relay timekeeper \
        cluster-agent; do cp ".build/release/$name" /out/; done

FROM debian:bookworm-slim
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends librdkafka1 libpq5 libsimdjson14 libcurl4 ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home slipway
COPY --from=build /out/ /usr/local/bin/
# The agent changes releases with helm 4.
COPY --from=alpine/helm:4.1.4 /usr/bin/helm /usr/local/bin/helm
USER slipway
ENV SLIPWAY_HTTP_HOST=0.0.0.0 SLIPWAY_HTTP_PORT=8080
EXPOSE 8080
CMD ["slipway", "--help"]
