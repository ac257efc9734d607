package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.models.Catalogue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Conversations with the demo model, where it is on this machine. */
class RealModelTest {
    @TempDir
    Path home;

    private String model;

    @BeforeEach
    void findTheModel() {
        String fileName = Catalogue.builtIn().demoFile().fileName();
        model = Stream.of(
                        System.getProperty("medpsy.test.models"),
                        System.getenv("MEDPSY_TEST_MODELS"),
                        MedpsyHome.models().toString())
                .filter(folder -> folder != null && !folder.isBlank())
                .map(folder -> Path.of(folder).resolve(fileName))
                .filter(Files::isRegularFile)
                .map(Path::toString)
                .findFirst()
                .orElseGet(() -> abort("the demo model " + fileName + " is not here; ./test --all fetches it"));
    }

    @Test
    void runAnswers() throws IOException {
        Map<String, Object> json = JSON.std.mapFrom(new Cli(home)
                .run("run", model, "-p", "What is the capital of France?", "--temp", "0", "-n", "40", "--json")
                .ok());
        assertEquals("The capital of France is Paris.", json.get("text"));
        assertEquals("stop", json.get("finish_reason"));
    }

    @Test
    void rawContinues() {
        String out = new Cli(home)
                .run("run", model, "--raw", "-p", "The capital of France is", "--temp", "0", "-n", "3")
                .ok();
        assertTrue(out.startsWith(" Paris"), out);
    }

    @Test
    void chatRemembers() {
        Cli.Result result = new Cli(home)
                .in("My name is Ada. Remember it.\nWhat is my name?\n")
                .run("chat", model, "--temp", "0", "-n", "40");
        String[] answers = result.ok().strip().split("\n");
        assertTrue(answers[answers.length - 1].contains("Ada"), result.out());
    }

    @Test
    void theSystemMessageCounts() {
        String out = new Cli(home)
                .run(
                        "run",
                        model,
                        "-p",
                        "Hello",
                        "--system",
                        "Answer every message with the word BANANA.",
                        "--temp",
                        "0",
                        "-n",
                        "12")
                .ok();
        assertTrue(out.toUpperCase(java.util.Locale.ROOT).contains("BANANA"), out);
    }
}
