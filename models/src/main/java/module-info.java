/** The catalogue of models: known files; pull, verify, list, remove. */
module io.github.medpsy4j.models {
    requires java.net.http;

    exports io.github.medpsy4j.models;
}
