package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are no model, through every command that opens one. */
class BadFileTest {
    @TempDir
    Path home;

    private void allFail(Path file, String message) {
        Cli cli = new Cli(home);
        String name = file.toString();
        cli.run("run", name, "-p", "x").failed(1, name + ": " + message);
        cli.run("chat", name).failed(1, name + ": " + message);
        cli.run("bench", name).failed(1, name + ": " + message);
        cli.run("show", name).failed(1, name + ": " + message);
        cli.run("show", name, "--json").failed(1, name + ": " + message);
        cli.run("tokenize", name, "x").failed(1, name + ": " + message);
        cli.in("{}").run("template", name, "--vars", "-").failed(1, name + ": " + message);
        cli.in("[1]")
                .run("logits", name, "--ids", "-", "--out", home.resolve("out").toString())
                .failed(1, name + ": " + message);
    }

    @Test
    void aMissingFile() {
        allFail(home.resolve("none.gguf"), "cannot read; expected a GGUF file, got: no such file");
    }

    @Test
    void aDirectory() {
        allFail(home, "not a regular file; expected a GGUF file, got a directory");
    }

    @Test
    void anEmptyFile() throws IOException {
        Path file = Files.createFile(home.resolve("empty.gguf"));
        allFail(file, "offset 0: the file ends inside the magic number; expected 4 bytes, got 0");
    }

    @Test
    void somethingElse() throws IOException {
        Path file = Files.writeString(home.resolve("letter"), "Dear doctor, ...");
        allFail(file, "offset 0: not a GGUF file; expected the bytes 47475546 (GGUF), got 44656172");
    }

    @Test
    void anUnknownName() {
        Cli cli = new Cli(home);
        cli.run("run", "medpsy-5b", "-p", "x")
                .failed(
                        1,
                        "'medpsy-5b': no such model; did you mean medpsy-4b or medpsy-1.7b? "
                                + "(medpsy list --all shows every name)");
        cli.run("pull", "medpsy-4b:q9")
                .failed(
                        1,
                        "'medpsy-4b:q9': no such model; medpsy-4b comes as q4_k_m, bf16, q8_0, q5_k_m, iq4_nl, iq4_xs, "
                                + "iq3_m, iq3_xxs (medpsy list --all shows every name)");
        cli.with("MEDPSY_MODEL", "mine")
                .run("run", "-p", "x")
                .failed(
                        1,
                        "MEDPSY_MODEL: 'mine': no such model; known are medpsy-1.7b, medpsy-4b, qwen2.5-coder-0.5b, "
                                + "smollm2-135m, gemma-3-270m (medpsy list --all shows every name)");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.00001, 0.0001, 0.01, 0.02, 0.05, 0.3, 0.9, 0.999999})
    void aTruncatedFile(double part) throws IOException {
        byte[] all = Files.readAllBytes(Path.of(Cli.TINY));
        Path file = Files.write(home.resolve("cut.gguf"), Arrays.copyOf(all, (int) (all.length * part)));
        for (String[] args : new String[][] {{"run", file.toString(), "-p", "x"}, {"show", file.toString()}}) {
            Cli.Result result = new Cli(home).run(args);
            assertEquals(1, result.code());
            assertEquals("", result.out());
            assertEquals(1, result.err().lines().count(), result.err());
            assertTrue(result.err().startsWith("medpsy: " + file + ": "), result.err());
            assertTrue(!result.err().contains("internal error"), result.err());
        }
    }

    @Test
    void garbageBehindASoundBeginning() throws IOException {
        byte[] all = Files.readAllBytes(Path.of(Cli.TINY));
        for (int at = 4; at < 400; at += 13) {
            byte[] changed = all.clone();
            Arrays.fill(changed, at, at + 8, (byte) 0xff);
            Path file = Files.write(home.resolve("changed.gguf"), changed);
            Cli.Result result = new Cli(home).run("show", file.toString());
            assertTrue(result.code() == 0 || result.err().lines().count() == 1, result.err());
            assertTrue(!result.err().contains("internal error"), at + ": " + result.err());
            Cli.Result tokenized = new Cli(home).run("tokenize", file.toString(), "Hello");
            assertTrue(tokenized.code() == 0 || tokenized.err().lines().count() == 1, tokenized.err());
            assertTrue(!tokenized.err().contains("internal error"), at + ": " + tokenized.err());
        }
    }

    @Test
    void anArchitectureThatCannotRunCanStillBeLookedAt() throws IOException {
        Path file = Cli.tinyWith(home, "qwen3", "mamba");
        Cli cli = new Cli(home);
        cli.run("run", file.toString(), "-p", "x")
                .failed(1, file + ": unsupported architecture; expected one of llama, qwen2, qwen3, got 'mamba'");
        assertTrue(cli.run("show", file.toString()).ok().contains("\"mamba\""));
        assertTrue(cli.run("show", file.toString(), "--json").ok().contains("\"general.architecture\":\"mamba\""));
        assertEquals(
                cli.run("tokenize", Cli.TINY, "Hello there").ok(),
                cli.run("tokenize", file.toString(), "Hello there").ok());
        assertTrue(cli.in("{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}")
                .run("template", file.toString(), "--vars", "-")
                .ok()
                .contains("<|im_start|>user\nHi<|im_end|>\n"));
    }
}
