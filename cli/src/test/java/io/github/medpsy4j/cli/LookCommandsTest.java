package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that look into a model: show, tokenize, template, logits, completion. */
class LookCommandsTest {
    private static final String VARS =
            "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi <|im_end|>\"}], \"add_generation_prompt\": true}";
    private static final String RENDERED = """
            <|im_start|>system
            You are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>
            <|im_start|>user
            Hi <|im_end|><|im_end|>
            <|im_start|>assistant
            """;

    @TempDir
    Path home;

    private Cli.Result run(String... args) {
        return new Cli(home).run(args);
    }

    @Test
    void showIsReadable() {
        String text = run("show", Cli.TINY).ok();
        assertTrue(text.contains("size      1.1 MB (1,105,152 bytes)\n"), text);
        assertTrue(text.contains("format    GGUF version 3, alignment 32\n"), text);
        assertTrue(text.contains("weights   1,705,472 in 25 tensors, 5.04 bits each\n"), text);
        assertTrue(text.contains("  qwen3.embedding_length                  256\n"), text);
        assertTrue(
                text.contains("  tokenizer.ggml.tokens                   STRING[1024] \"!\", \"\\\"\", \"#\", \"$\", "
                        + "\"%\", \"&\", …\n"),
                text);
        assertTrue(text.contains("  blk.1.attn_v.weight       Q6_K     256 x 128     26.9 kB\n"), text);
    }

    @Test
    void showAsJsonIsComplete() throws IOException {
        Map<String, Object> json =
                JSON.std.mapFrom(run("show", Cli.TINY, "--json").ok());
        assertEquals(1_105_152, json.get("size_bytes"));
        assertEquals(3, json.get("version"));
        Map<?, ?> metadata = (Map<?, ?>) json.get("metadata");
        assertEquals(27, metadata.size());
        assertEquals(1024, ((List<?>) metadata.get("tokenizer.ggml.tokens")).size());
        assertEquals("ARRAY[STRING]", ((Map<?, ?>) json.get("metadata_types")).get("tokenizer.ggml.tokens"));
        assertEquals("UINT32", ((Map<?, ?>) json.get("metadata_types")).get("qwen3.block_count"));
        List<?> tensors = (List<?>) json.get("tensors");
        assertEquals(25, tensors.size());
        Map<?, ?> first = (Map<?, ?>) tensors.getFirst();
        assertEquals("output.weight", first.get("name"));
        assertEquals("Q6_K", first.get("type"));
        assertEquals(List.of(256, 1024), first.get("shape"));
        assertEquals(215_040, first.get("size_bytes"));
    }

    @Test
    void showOfAModelThatIsNotHereTellsWhatTheCatalogueKnows() throws IOException {
        String text = run("show", "medpsy-4b").ok();
        assertTrue(text.contains("state     not here; medpsy pull medpsy-4b brings it\n"), text);
        assertTrue(text.contains("2.72 GB (2,716,068,640 bytes)"), text);
        assertEquals(text, run("show", "-m", "medpsy-4b:q4_k_m").ok());
        Map<String, Object> json =
                JSON.std.mapFrom(run("show", "medpsy-4b", "--json").ok());
        assertEquals(false, json.get("installed"));
        assertEquals(2_716_068_640L, json.get("size_bytes"));
        assertTrue(run("show").ok().startsWith("name      medpsy-1.7b:q4_k_m\n"));
    }

    @Test
    void textFromAFileDoesNotSteerTheTerminal() throws IOException {
        Path changed = Cli.tinyWith(home, "random-qwen3-tiny", "random\u001b[31m--tiny");
        assertTrue(run("show", changed.toString()).ok().contains("\"random\uFFFD[31m--tiny\""));
    }

    @Test
    void tokenizeParsesSpecialTokensAndAddsNone() {
        assertEquals(
                "39 301 385 220 1019\n",
                run("tokenize", Cli.TINY, "Hello <|im_end|>").ok());
        assertEquals(
                "[39,301,385,220,1019]\n",
                run("tokenize", "-m", Cli.TINY, "Hello <|im_end|>", "--json").ok());
        assertEquals("\n", run("tokenize", Cli.TINY, "").ok());
        assertEquals("[]\n", run("tokenize", Cli.TINY, "", "--json").ok());
        assertEquals("12 39\n", run("tokenize", Cli.TINY, "--", "-H").ok());
    }

    @Test
    void tokenizeReadsStdinWholeAndUnchanged() {
        String text = " a\r\n\n\u00e9\u4e2d\ud83d\ude00\n\n ";
        assertEquals(
                run("tokenize", Cli.TINY, text).ok(),
                new Cli(home).in(text).run("tokenize", Cli.TINY, "-").ok());
        assertEquals("\n", new Cli(home).in("").run("tokenize", Cli.TINY, "-").ok());
    }

    @Test
    void tokenizeNeedsModelAndText() {
        run("tokenize", Cli.TINY).failed(2, "expected MODEL and TEXT, got 1 argument (see medpsy tokenize --help)");
        run("tokenize", "-m", Cli.TINY, "a", "b")
                .failed(2, "expected TEXT beside --model, got 2 arguments (see medpsy tokenize --help)");
        new Cli(home)
                .in(new byte[] {'a', 'b', (byte) 0xe4})
                .run("tokenize", Cli.TINY, "-")
                .failed(1, "stdin: offset 2: not UTF-8; expected text in UTF-8, got byte 0xe4");
    }

    @Test
    void templateRendersTheModelsAndAddsNothing() throws IOException {
        assertEquals(
                RENDERED,
                new Cli(home).in(VARS).run("template", Cli.TINY, "--vars", "-").ok());
        Path vars = Files.writeString(home.resolve("vars.json"), VARS);
        assertEquals(
                RENDERED, run("template", Cli.TINY, "--vars", vars.toString()).ok());
    }

    @Test
    void templateAsJsonTellsWhereTextCameFrom() throws IOException {
        Map<String, Object> json = JSON.std.mapFrom(new Cli(home)
                .in(VARS)
                .run("template", Cli.TINY, "--vars", "-", "--json")
                .ok());
        assertEquals(RENDERED, json.get("text"));
        Map<?, ?> user = (Map<?, ?>) ((List<?>) json.get("spans")).get(1);
        assertEquals("Hi <|im_end|>", user.get("text"));
        assertEquals("content", user.get("origin"));
    }

    @Test
    void templateRendersASourceWithoutAModel() throws IOException {
        Path source = Files.writeString(home.resolve("t.jinja"), "{{ bos_token }}{{ n + 1 }} {{ none_here }}|{{ x }}");
        assertEquals(
                "<s>3 |None",
                new Cli(home)
                        .in("{\"bos_token\": \"<s>\", \"n\": 2, \"x\": null}")
                        .run("template", "--template", source.toString(), "--vars", "-")
                        .ok());
    }

    @Test
    void templatesFailuresAreToldWithTheirPlace() throws IOException {
        Path broken = Files.writeString(home.resolve("t.jinja"), "{{ raise_exception('no tools') }}");
        Cli.Result result = new Cli(home).in("{}").run("template", "--template", broken.toString(), "--vars", "-");
        assertEquals(1, result.code());
        assertTrue(result.err().matches("medpsy: .*t.jinja:1:\\d+: no tools\n"), result.err());
    }

    @Test
    void templateRefusesWhatIsNoObjectAndWhatIsTwoThings() throws IOException {
        new Cli(home)
                .in("[1]")
                .run("template", Cli.TINY, "--vars", "-")
                .failed(1, "stdin: expected a JSON object, got an array");
        new Cli(home)
                .in("{\"a\": ")
                .run("template", Cli.TINY, "--vars", "-")
                .failed(1, "stdin: line 1, column 7: not JSON: Unexpected end-of-input within/between Object entries");
        new Cli(home).in("").run("template", Cli.TINY, "--vars", "-").failed(1, "stdin: expected JSON, got nothing");
        run("template", Cli.TINY).failed(2, "Missing required option: '--vars=FILE' (see medpsy template --help)");
        run("template", "a.gguf", "--template", "b", "--vars", "c")
                .failed(2, "two templates given: --template b and that of a.gguf (see medpsy template --help)");
        run("template", "--template", "-", "--vars", "-")
                .failed(2, "--template - and --vars -: stdin is only one of them (see medpsy template --help)");
        run("template", Cli.TINY, "--vars", home.resolve("none").toString())
                .failed(1, home.resolve("none") + ": no such file");
    }

    private float[] logits(String ids) throws IOException {
        Path out = home.resolve("out.f32");
        Cli.Result result = new Cli(home).in(ids).run("logits", Cli.TINY, "--ids", "-", "--out", out.toString(), "-q");
        assertEquals("", result.ok());
        assertEquals("", result.err());
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(out)).order(ByteOrder.LITTLE_ENDIAN);
        float[] floats = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(floats);
        return floats;
    }

    @Test
    void logitsAreARowPerPosition() throws IOException {
        float[] one = logits("[39]");
        float[] three = logits("[39, 301, 385]");
        assertEquals(1024, one.length);
        assertEquals(3 * 1024, three.length);
        // A token's result does not depend on its company.
        assertArrayEquals(one, Arrays.copyOf(three, 1024));
        for (float logit : three) {
            assertTrue(Float.isFinite(logit));
        }
        try (Stream<Path> files = Files.list(home)) {
            assertEquals(1, files.filter(f -> f.toString().contains("out.f32")).count());
        }
    }

    @Test
    void logitsRefuseWhatIsNoId() {
        String out = home.resolve("out.f32").toString();
        Cli cli = new Cli(home);
        cli.in("[1, 1024]")
                .run("logits", Cli.TINY, "--ids", "-", "--out", out, "-q")
                .failed(1, "stdin: element 1: expected an id from 0 to 1023, got 1024");
        cli.in("[1, -1]")
                .run("logits", Cli.TINY, "--ids", "-", "--out", out, "-q")
                .failed(1, "stdin: element 1: expected an id from 0 to 1023, got -1");
        cli.in("[1, 1.5]")
                .run("logits", Cli.TINY, "--ids", "-", "--out", out)
                .failed(1, "stdin: element 1: expected an id, got 1.5");
        cli.in("[99999999999]")
                .run("logits", Cli.TINY, "--ids", "-", "--out", out)
                .failed(1, "stdin: element 0: expected an id, got 99999999999");
        cli.in("[\"a\"]")
                .run("logits", Cli.TINY, "--ids", "-", "--out", out)
                .failed(1, "stdin: element 0: expected an id, got a string");
        cli.in("[]")
                .run("logits", Cli.TINY, "--ids", "-", "--out", out)
                .failed(1, "stdin: expected at least one id, got none");
        cli.in("{}")
                .run("logits", Cli.TINY, "--ids", "-", "--out", out)
                .failed(1, "stdin: expected a JSON array of ids, got an object");
        cli.in("[1, 2, 3]")
                .run("logits", Cli.TINY, "--ids", "-", "--out", out, "-q", "-c", "2")
                .failed(1, "the prompt needs 3 tokens, the context holds 2");
        assertFalse(Files.exists(Path.of(out)));
    }

    @Test
    void logitsRefuseABadPlaceForTheRows() {
        Cli cli = new Cli(home).in("[1]");
        String nowhere = home.resolve("no/out.f32").toString();
        cli.run("logits", Cli.TINY, "--ids", "-", "--out", nowhere).failed(1, nowhere + ": its folder does not exist");
        cli.run("logits", Cli.TINY, "--ids", "-", "--out", home.toString())
                .failed(1, home + ": is a directory; expected a file");
    }

    @Test
    void completionIsAScriptForBothShells() {
        String script = run("completion", "bash").ok();
        assertTrue(script.contains("complete -F _complete_medpsy"), "no completion function");
        assertTrue(script.contains("medpsy-4b:q8_0"), "no model names");
        assertEquals(script, run("completion", "zsh").ok());
        run("completion", "fish").failed(2, "expected bash or zsh, got fish (see medpsy completion --help)");
    }
}
