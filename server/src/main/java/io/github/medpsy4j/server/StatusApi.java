package io.github.medpsy4j.server;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/** How the server is: {@code /health} as llama.cpp has it, and {@code /metrics} for Prometheus. */
final class StatusApi {
    void addTo(Routes routes) {
        routes.get("/health", this::health).open();
        routes.get("/metrics", this::metrics).always();
    }

    private void health(Exchange exchange) {
        exchange.json(Map.of("status", "ok"));
    }

    private void metrics(Exchange exchange) {
        exchange.send(
                200,
                "text/plain; version=0.0.4; charset=utf-8",
                exchange.metrics().text(exchange.served()).getBytes(StandardCharsets.UTF_8));
    }
}
