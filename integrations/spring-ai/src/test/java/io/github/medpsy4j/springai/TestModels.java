package io.github.medpsy4j.springai;

import io.github.medpsy4j.engine.LoadOptions;
import io.github.medpsy4j.engine.Model;
import java.io.IOException;
import java.nio.file.Path;

/** The model that the tests ask. */
final class TestModels {
    private TestModels() {}

    static Path tinyFile() {
        return Path.of(System.getProperty("basedir", "."), "../../cli/src/test/resources/tiny-q4_k_m.gguf");
    }

    /** Two layers of random weights: its answers are gibberish. The caller closes it. */
    static Model tiny() throws IOException {
        return Model.load(tinyFile(), LoadOptions.defaults().withThreads(2).withContext(1024));
    }
}
