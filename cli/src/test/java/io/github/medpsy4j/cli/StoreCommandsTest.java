package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.models.Catalogue;
import io.github.medpsy4j.models.ModelFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands around the store: list, pull, rm; and models that are named. */
class StoreCommandsTest {
    @TempDir
    Path home;

    private Cli cli() {
        return new Cli(home);
    }

    private Path install(String name) throws IOException {
        Path models = Files.createDirectories(home.resolve("models"));
        return Files.copy(Path.of(Cli.TINY), models.resolve(name));
    }

    @Test
    void anEmptyStoreIsSaidToBeEmpty() {
        Cli.Result result = cli().run("list");
        assertEquals("", result.ok());
        assertEquals(
                "medpsy: no models in " + home.resolve("models") + "; medpsy list --all shows what can be pulled\n",
                result.err());
        assertEquals("[]\n", cli().run("list", "--json").ok());
    }

    @Test
    void listShowsWhatIsHereAndWhatCanBe() throws IOException {
        install("mine.gguf");
        install("medpsy-4b-q4_k_m-imat.gguf");
        assertEquals("""
                medpsy-4b:q4_k_m    2.72 GB  wrong size          MedPsy 4B, medical question answering (Qwen3 4B)
                mine.gguf            1.1 MB  here
                """, cli().run("list").ok());
        String all = cli().run("list", "--all").ok();
        assertTrue(all.contains("medpsy-1.7b:iq3_xxs"), all);
        assertTrue(all.contains("mine.gguf "), all);
        List<Object> json =
                JSON.std.listFrom(cli().run("list", "--all", "--json").ok());
        assertEquals(Catalogue.builtIn().files().size() + 1, json.size());
        assertEquals("mine.gguf", ((Map<?, ?>) json.getFirst()).get("name"));
        assertEquals(true, ((Map<?, ?>) json.getFirst()).get("installed"));
        assertEquals("Apache-2.0", ((Map<?, ?>) json.get(1)).get("licence"));
    }

    @Test
    void aFileInTheStoreIsFoundByItsName() throws IOException {
        install("mine.gguf");
        String expected = cli().run("tokenize", Cli.TINY, "Hello").ok();
        assertEquals(expected, cli().run("tokenize", "mine", "Hello").ok());
        assertEquals(expected, cli().run("tokenize", "mine.gguf", "Hello").ok());
        assertTrue(cli().run("show", "mine").ok().contains("random-qwen3-tiny"));
    }

    @Test
    void rmRemoves() throws IOException {
        Path file = install("mine.gguf");
        Path other = install("other.gguf");
        Cli.Result result = cli().run("rm", "mine", "other", "mine.gguf", "--yes");
        assertEquals("", result.ok());
        assertEquals("medpsy: removed mine.gguf, 1.1 MB\nmedpsy: removed other.gguf, 1.1 MB\n", result.err());
        assertFalse(Files.exists(file));
        assertFalse(Files.exists(other));
        cli().run("rm", "medpsy-4b", "--yes").failed(1, "medpsy-4b:q4_k_m: not installed");
        cli().run("rm").failed(2, "expected the name of a model, or --session NAME (see medpsy rm --help)");
    }

    @Test
    void rmRemovesNothingIfOneNameIsWrong() throws IOException {
        Path file = install("mine.gguf");
        cli().run("rm", "mine", "medpsy-4b", "--yes").failed(1, "medpsy-4b:q4_k_m: not installed");
        assertTrue(Files.exists(file));
    }

    @Test
    void rmAsksOnATerminalAndRefusesWhereNobodyCanBeAsked() throws IOException {
        Path file = install("mine.gguf");
        cli().run("rm", "mine")
                .failed(1, "rm: there is no terminal to ask on, so nothing was removed; --yes removes without asking");
        for (String answer : List.of("n\n", "\n", "", "no\n", "x\n")) {
            Cli.Result result = cli().inTerminal().in(answer).run("rm", "mine");
            assertEquals(1, result.code());
            assertTrue(
                    result.err().startsWith("medpsy: remove mine.gguf (1.1 MB)? [y/N] ")
                            && result.err().endsWith("medpsy: nothing was removed\n"),
                    result.err());
            assertTrue(Files.exists(file));
        }
        cli().inTerminal().in("y\n").run("rm", "mine").ok();
        assertFalse(Files.exists(file));
    }

    @Test
    void filesOfOtherProgramsAreListedAndRunInPlaceAndNotRemoved() throws IOException {
        Path theirs = home.resolve("user/.lmstudio/models/pub/repo/tiny.gguf");
        Files.createDirectories(theirs.getParent());
        Files.copy(Path.of(Cli.TINY), theirs);
        assertEquals(
                "lmstudio:pub/repo/tiny.gguf     1.1 MB  LM Studio           " + theirs + "\n",
                cli().run("list").ok());
        Map<?, ?> entry =
                (Map<?, ?>) JSON.std.listFrom(cli().run("list", "--json").ok()).getFirst();
        assertEquals("lm_studio", entry.get("place"));
        assertEquals(theirs.toString(), entry.get("path"));
        assertEquals(
                cli().run("tokenize", Cli.TINY, "Hello").ok(),
                cli().run("tokenize", "lmstudio:pub/repo/tiny.gguf", "Hello").ok());
        assertTrue(cli().run("show", "lmstudio:pub/repo/tiny.gguf").ok().contains("random-qwen3-tiny"));
        cli().run("rm", "lmstudio:pub/repo/tiny.gguf", "--yes")
                .failed(
                        1,
                        "lmstudio:pub/repo/tiny.gguf: belongs to another program (LM Studio: " + theirs
                                + "), which removes it; nothing was deleted");
        assertTrue(Files.exists(theirs));
    }

    @Test
    void quantIsThatOfTheNameAndAContradictionIsRefused() {
        String missing = ": not installed, and offline nothing is pulled; needed: ";
        cli().run("run", "medpsy-4b", "-p", "x", "--quant", "q8_0", "--offline")
                .failed(1, "medpsy-4b:q8_0" + missing + "4.69 GB from Hugging Face");
        cli().run("run", "-p", "x", "--quant", "bf16", "--offline")
                .failed(1, "medpsy-1.7b:bf16" + missing + "4.07 GB from Hugging Face");
        cli().run("pull", "--quant", "q8_0", "--offline")
                .failed(1, "medpsy-1.7b:q8_0" + missing + "2.17 GB from Hugging Face");
        cli().run("pull", "medpsy-4b:bf16", "--quant", "q8_0")
                .failed(2, "--quant q8_0: another quantization than that of medpsy-4b:bf16 (see medpsy pull --help)");
        cli().run("chat", "medpsy-4b:bf16", "--quant", "q8_0")
                .failed(2, "--quant q8_0: another quantization than that of medpsy-4b:bf16 (see medpsy chat --help)");
        cli().run("run", Cli.TINY, "-p", "x", "--quant", "q8_0")
                .failed(
                        2,
                        "--quant: " + Cli.TINY
                                + " is a file, whose quantization is what it is (see medpsy run --help)");
    }

    @Test
    void namesOfTheHubAreNoPaths() {
        cli().run("run", "hf:o/r:Q8_0", "-p", "x", "--offline")
                .failed(
                        1,
                        "hf:o/r:q8_0: not installed, and offline nothing is asked or pulled; needed: the list of the "
                                + "repository's files, and the file, from Hugging Face");
        cli().run("show", "hf:o")
                .failed(
                        1,
                        "'hf:o': not a model on Hugging Face; expected hf:OWNER/REPO/FILE.gguf, hf:OWNER/REPO:QUANT or "
                                + "hf:OWNER/REPO, with @REVISION where it is not main");
    }

    @Test
    void offlineNothingIsPulled() {
        cli().run("run", "medpsy-4b", "-p", "x", "--offline")
                .failed(
                        1,
                        "medpsy-4b:q4_k_m: not installed, and offline nothing is pulled; needed: 2.72 GB from Hugging Face");
        cli().with("MEDPSY_OFFLINE", "1")
                .run("pull", "medpsy-4b")
                .failed(
                        1,
                        "medpsy-4b:q4_k_m: not installed, and offline nothing is pulled; needed: 2.72 GB from Hugging Face");
    }

    @Test
    void aModelWhoseSourceDoesNotAnswerIsAFailureWithTheReason() {
        Cli.Result result = cli().run("pull", "medpsy-4b");
        assertEquals(1, result.code());
        assertEquals("", result.out());
        String last = result.err().lines().reduce((a, b) -> b).orElseThrow();
        assertTrue(last.startsWith("medpsy: medpsy-4b:q4_k_m: Hugging Face: http://127.0.0.1:9"), result.err());
    }

    @Test
    void withoutTheDefaultTheDemoModelIsUsedWhichIsSaid() throws IOException {
        // The demo model's name and size over other bytes: obtaining trusts the size, loading then tells.
        ModelFile demo = Catalogue.builtIn().demoFile();
        Path file = Files.createDirectories(home.resolve("models")).resolve(demo.fileName());
        try (var sparse = new java.io.RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(demo.sizeBytes());
        }
        Cli.Result result = cli().run("run", "-p", "x");
        assertEquals(1, result.code());
        assertTrue(
                result.err()
                        .contains(
                                "\nmedpsy: using the demo model qwen2.5-coder-0.5b:q4_k_m (Qwen2.5-Coder 0.5B Instruct, "
                                        + "the demo model: small and general, not medical) because medpsy-1.7b:q4_k_m: "
                                        + "Hugging Face: http://127.0.0.1:9"),
                result.err());
        assertTrue(result.err().endsWith("got 00000000\n"), result.err());
    }

    private String progress(boolean isTerminal) throws InterruptedException {
        StringWriter err = new StringWriter();
        Terminal terminal = new Terminal(
                InputStream.nullInputStream(),
                java.io.OutputStream.nullOutputStream(),
                new PrintWriter(err),
                Map.of(),
                isTerminal,
                isTerminal,
                isTerminal);
        ModelFile file = Catalogue.builtIn().defaultFile();
        PullProgress progress = new PullProgress(terminal);
        progress.started(file, file.sources().getFirst(), 0, 1_000_000_000);
        for (int i = 1; i <= 7; i++) {
            Thread.sleep(110);
            progress.progress(i * 100_000_000L + 50_000_000, 1_000_000_000);
        }
        progress.retrying("broken", 2, 5, Duration.ofMillis(500));
        progress.progress(1_000_000_000, 1_000_000_000);
        progress.finished(file, Path.of("m.gguf"));
        return err.toString();
    }

    @Test
    void aPullShowsABarOnATerminal() throws InterruptedException {
        String shown = progress(true);
        assertTrue(shown.startsWith("medpsy: pulling medpsy-1.7b:q4_k_m, 1.00 GB, from Hugging Face\n\r["), shown);
        assertTrue(
                shown.matches("(?s).*\r\\[############## {10}] 6\\d%, 6\\d\\d\\.\\d MB of 1\\.00 GB, "
                        + "[\\d.]+ [MG]B/s, 0:0\\d left *\r.*|(?s).*\r\\[#+ +] 65%, 650.0 MB of 1.00 GB, .*"),
                shown);
        assertTrue(shown.contains("\nmedpsy: broken; trying again (2 of 5) in 0.5 s\n"), shown);
        assertTrue(shown.contains("\r[########################] 100%, 1.00 GB of 1.00 GB"), shown);
        assertTrue(shown.endsWith("\nmedpsy: medpsy-1.7b:q4_k_m is here, verified: m.gguf\n"), shown);
    }

    @Test
    void aPullTellsNowAndThenWithoutATerminal() throws InterruptedException {
        List<String> lines = progress(false).lines().toList();
        assertEquals("medpsy: medpsy-1.7b:q4_k_m: 15%, 150.0 MB of 1.00 GB", lines.get(1));
        assertEquals(11, lines.size(), lines.toString());
        assertTrue(lines.stream().noneMatch(l -> l.contains("\r")));
    }
}
