/** The command line. */
module io.github.medpsy4j.cli {
    requires io.github.medpsy4j.engine;
    requires io.github.medpsy4j.models;
    requires io.github.medpsy4j.server;
    requires info.picocli;
    requires com.fasterxml.jackson.jr.ob;
    requires org.jline.reader;
    requires org.jline.terminal;
    requires java.logging;
    requires java.net.http;
    requires jdk.unsupported; // sun.misc.Signal, see Interrupts

    opens io.github.medpsy4j.cli to
            info.picocli;
}
