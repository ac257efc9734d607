/** The catalogue of models: known files; pull, verify, list, remove. */
module io.github.medpsy4j.models {
    requires com.fasterxml.jackson.jr.ob;
    requires java.net.http;

    exports io.github.medpsy4j.models;
}
