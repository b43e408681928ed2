# syntax=docker/dockerfile:1
#
#   docker build -t ravelin .
#   docker run --read-only --tmpfs /run/ravelin:uid=65532 -p 443:443 -v ./etc:/etc/ravelin:ro ravelin
#
# BUILD_BASE has a Rust toolchain, a C compiler, make and perl; RUN_BASE has glibc and libgcc (no shell is needed: a
# distroless image will do). Both are of one Debian release, so that the binary finds the C library that it was linked
# against.
ARG BUILD_BASE=rust:1-bookworm
ARG RUN_BASE=debian:bookworm-slim

FROM ${BUILD_BASE} AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY tests tests
COPY benches benches
# Without `demo`: a DMZ needs no certificate authority and no stand-in for a server.
RUN cargo build --release --locked --package ravelin --no-default-features --features legacy-tls \
    && mkdir -p /out/bin /out/run/ravelin \
    && cp "${CARGO_TARGET_DIR:-target}/release/ravelin" /out/bin/ravelin \
    && strip /out/bin/ravelin

FROM ${RUN_BASE}
COPY --from=build /out/bin/ravelin /usr/local/bin/ravelin
# The control socket is made here by whoever the gateway runs as.
COPY --from=build --chown=65532:65532 /out/run/ravelin /run/ravelin
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/ravelin/
# Numeric, so that an orchestrator can tell that it is not root. Docker lets it bind port 443; where
# net.ipv4.ip_unprivileged_port_start is higher, let the listener bind 8443.
USER 65532:65532
EXPOSE 443 9180
STOPSIGNAL SIGTERM
# Answers while the gateway serves: over the control socket, so that it works wherever admin.listen points.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/local/bin/ravelin", "status", "--json"]
ENTRYPOINT ["/usr/local/bin/ravelin"]
CMD ["run", "--config", "/etc/ravelin/ravelin.toml"]
