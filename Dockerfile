# The bench and its chain. The binaries come from a release (or `cargo build --release`), in dist/amd64 and dist/arm64:
#
#   mkdir -p dist/amd64 && cp target/release/x402-assay dist/amd64/ && docker build -t x402-assay .
#
# The platform's native Anvil is taken out of its npm package; no Node is left in the image.
FROM --platform=$BUILDPLATFORM node:22-bookworm-slim AS anvil
ARG TARGETARCH
ARG ANVIL_VERSION=1.7.1
WORKDIR /anvil
RUN npm pack --silent "@foundry-rs/anvil-linux-${TARGETARCH}@${ANVIL_VERSION}" && tar -xzf ./*.tgz package/bin/anvil && chmod 755 package/bin/anvil

FROM debian:bookworm-slim
ARG TARGETARCH
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=anvil /anvil/package/bin/anvil /usr/local/bin/anvil
COPY --chmod=755 dist/${TARGETARCH}/x402-assay /usr/local/bin/x402-assay
# Reports go to the working directory: mount a folder of yours there, and give --user when its owner is another.
RUN useradd --uid 1000 --create-home assay && mkdir /work && chown assay /work
USER assay
WORKDIR /work
ENTRYPOINT ["x402-assay"]
