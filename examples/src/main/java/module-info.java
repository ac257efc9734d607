/** Small programs that use the library, one purpose each. */
module io.github.medpsy4j.examples {
    requires io.github.medpsy4j.engine;
    requires io.github.medpsy4j.server;
    requires java.net.http;
}
