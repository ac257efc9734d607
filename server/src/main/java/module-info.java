/** An HTTP server that speaks OpenAI's protocol. */
module io.github.medpsy4j.server {
    requires transitive io.github.medpsy4j.engine;
    requires io.helidon.webserver;
    requires io.helidon.http;
    requires io.helidon.common.tls;
    requires com.fasterxml.jackson.jr.ob;

    exports io.github.medpsy4j.server;
}
