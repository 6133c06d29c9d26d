# docker build -t trading_engine . ; every role is in the image, ops/docker-entrypoint picks one.
FROM debian:12-slim AS build
COPY ops/packages.txt /packages.txt
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(cat /packages.txt) && \
    rm -rf /var/lib/apt/lists/*
COPY . /src
WORKDIR /src
RUN make -j"$(nproc)" build && strip bin/*

FROM debian:12-slim
COPY ops/packages-run.txt /packages-run.txt
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(cat /packages-run.txt) && \
    rm -rf /var/lib/apt/lists/* /packages-run.txt && \
    useradd --uid 1000 --home-dir /app --no-create-home --shell /usr/sbin/nologin tickpipe && \
    install -d -o tickpipe -g tickpipe /app /app/logs /app/data /app/keys /app/run
COPY --from=build /src/bin/market_gateway /src/bin/signal_engine /src/bin/strategy_runner /src/bin/trading_engine \
     /src/bin/position_server /src/bin/risk_monitor /src/bin/tickpipe /src/bin/zmq_test /app/bin/
COPY config /app/config
COPY ops/docker-entrypoint ops/docker-health /app/ops/
USER tickpipe
WORKDIR /app
ENV TICKPIPE_CONFIG_DIR=config TICKPIPE_RUN_DIR=run TICKPIPE_DATA_DIR=data TICKPIPE_KEYS_DIR=keys TICKPIPE_LOG_DIR=logs
VOLUME ["/app/data", "/app/keys"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app/ops/docker-entrypoint"]
CMD ["--help"]
