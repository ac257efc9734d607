/** The library: models, sessions, chat, sampling, kernels. */
module io.github.medpsy4j.engine {
    requires transitive io.github.medpsy4j.gguf;
    requires transitive io.github.medpsy4j.tokenizer;
    requires static jdk.incubator.vector;

    exports io.github.medpsy4j.engine;
    exports io.github.medpsy4j.engine.template;
}
