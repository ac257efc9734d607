package io.github.medpsy4j.springai;

import static org.junit.jupiter.api.Assumptions.abort;

import io.github.medpsy4j.engine.LoadOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.SchedulerOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The models that the tests ask. */
final class TestModels {
    /** The demo model. */
    private static final String REAL = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";

    private static Scheduler real;

    private TestModels() {}

    /** Two layers of random weights: its answers are gibberish. The caller closes it. */
    static Model tiny() throws IOException {
        Path file = Path.of(System.getProperty("basedir", "."), "../../cli/src/test/resources/tiny-q4_k_m.gguf");
        return Model.load(file, LoadOptions.defaults().withThreads(2).withContext(1024));
    }

    /** A scheduler on a model that can answer, shared by the tests until the JVM ends; or the test is skipped. */
    @SuppressWarnings("MustBeClosedChecker")
    static synchronized Scheduler real() {
        if (System.getenv("MEDPSY_TEST_ALL") == null) {
            abort("the tests of the demo model take a minute; ./test --all runs them");
        }
        if (real == null) {
            Path file = Stream.of(
                            System.getenv("MEDPSY_TEST_MODELS"),
                            System.getenv("MEDPSY_HOME") == null ? null : System.getenv("MEDPSY_HOME") + "/models",
                            System.getProperty("user.home") + "/.cache/medpsy/models")
                    .filter(folder -> folder != null && !folder.isBlank())
                    .map(folder -> Path.of(folder).resolve(REAL))
                    .filter(Files::isRegularFile)
                    .findFirst()
                    .orElseGet(() -> abort("the demo model " + REAL + " is not here; ./test --all fetches it"));
            try {
                real = Scheduler.start(
                        Model.load(file, LoadOptions.defaults().withContext(4096)),
                        SchedulerOptions.defaults().withSlots(2));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
        return real;
    }
}
