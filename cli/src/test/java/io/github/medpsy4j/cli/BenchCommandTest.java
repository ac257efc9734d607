package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.cli.BenchTests.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchCommandTest {
    /** Whether this system tells of a process's memory; the tests below do not expect it elsewhere. */
    private static final boolean IS_PEAK_TOLD = Files.isReadable(Path.of("/proc/self/status"));

    @TempDir
    Path home;

    private Cli.Result run(String... args) {
        List<String> all = new ArrayList<>(List.of("bench", Cli.TINY));
        all.addAll(List.of(args));
        return new Cli(home).run(all.toArray(String[]::new));
    }

    @Test
    void oneModelAndOneValueOfEachIsOneObject() throws IOException {
        Map<String, Object> json =
                JSON.std.mapFrom(run("-p", "16", "-n", "4", "-r", "2", "-d", "8", "-t", "1", "--json")
                        .ok());
        Set<String> keys = Set.of(
                "engine",
                "model",
                "pp16",
                "tg4",
                "load_s",
                "kernel",
                "threads",
                "kv",
                "weights",
                "repetitions",
                "depth",
                "pp_all",
                "tg_all");
        assertEquals(
                keys,
                json.keySet().stream().filter(key -> !key.equals("peak_rss_mb")).collect(Collectors.toSet()));
        assertEquals(IS_PEAK_TOLD, json.containsKey("peak_rss_mb"));
        assertTrue((double) json.get("pp16") > 0);
        assertTrue((double) json.get("tg4") > 0);
        assertEquals(2, ((List<?>) json.get("pp_all")).size());
        assertEquals(2, ((List<?>) json.get("tg_all")).size());
        assertEquals(1, json.get("threads"));
        assertEquals(8, json.get("depth"));
        assertEquals(2, json.get("repetitions"));
        assertEquals("auto", json.get("weights"));
        assertTrue((double) json.get("load_s") > 0);
        assertTrue(((String) json.get("kernel")).startsWith("vector"), json.toString());
        if (IS_PEAK_TOLD) {
            assertTrue((double) json.get("peak_rss_mb") > 10, json.toString());
        }
    }

    @Test
    void listsAreMeasuredInAnArray() throws IOException {
        List<Object> loads = JSON.std.listFrom(
                run("-p", "3,5", "-n", "2", "-d", "8,0", "-b", "2,4", "-t", "1,2", "-r", "1", "--json")
                        .ok());
        assertEquals(2, loads.size());
        for (int i = 0; i < 2; i++) {
            Map<?, ?> load = (Map<?, ?>) loads.get(i);
            assertEquals(i + 1, load.get("threads"));
            assertEquals(1_705_472, load.get("parameters"));
            assertEquals(1_105_152, load.get("size_bytes"));
            List<String> tests = ((List<?>) load.get("tests"))
                    .stream()
                            .map(test -> (Map<?, ?>) test)
                            .peek(test -> assertTrue((double) test.get("tokens_per_s") > 0, test.toString()))
                            .map(test -> test.get("test") + " " + test.get("depth") + " " + test.get("batch"))
                            .toList();
            assertEquals(List.of("pp3 0 2", "pp5 0 2", "pp3 0 4", "pp5 0 4", "tg2 0 null", "tg2 8 null"), tests);
        }
    }

    @Test
    void severalModelsAreMeasuredInTheirOrder() throws IOException {
        Path other = Files.copy(Path.of(Cli.TINY), home.resolve("other.gguf"));
        List<Object> loads = JSON.std.listFrom(
                run(other.toString(), "-p", "2", "-n", "0", "-r", "1", "--json").ok());
        assertEquals(
                List.of(Cli.TINY, other.toString()),
                loads.stream().map(load -> ((Map<?, ?>) load).get("model")).toList());
        run("-m", other.toString())
                .failed(
                        2,
                        "two models given: --model " + other + " and the argument " + Cli.TINY
                                + " (see medpsy bench --help)");
    }

    @Test
    void aWrongNameIsToldBeforeAnyModelIsMeasured() {
        Cli.Result result = run("nonesuch", "-p", "2", "-n", "2");
        assertEquals(1, result.code());
        assertTrue(result.err().startsWith("medpsy: 'nonesuch': no such model; "), result.err());
        assertEquals("", result.out());
    }

    @Test
    void aTableForDocuments() {
        String[] lines = run("-p", "3,5", "-n", "2", "-d", "4", "-b", "2", "-r", "2", "-t", "1", "--markdown")
                .ok()
                .split("\n", -1);
        assertEquals(8, lines.length);
        assertEquals("| model | size | params | weights | threads | batch | peak MB | test | t/s |", lines[0]);
        assertEquals("|---|---:|---:|---|---:|---:|---:|---|---:|", lines[1]);
        String start = "\\| tiny-q4_k_m\\.gguf \\| 1\\.1 MB \\| 1\\.7 M \\| auto \\| 1 \\| ";
        String speed = " \\| [0-9.]+ ± [0-9.]+ \\|";
        assertTrue(lines[2].matches(start + "2 \\| [0-9]* \\| pp3" + speed), lines[2]);
        assertTrue(lines[3].matches(start + "2 \\| [0-9]* \\| pp5" + speed), lines[3]);
        assertTrue(lines[4].matches(start + " \\| [0-9]* \\| tg2 @ d4" + speed), lines[4]);
        assertEquals("", lines[5]);
        assertTrue(lines[6].matches("medpsy \\S+: vector, [0-9]+ bits.*; medians of 2 ± standard deviation"), lines[6]);
    }

    @Test
    void aTableWithoutBatchesHasNoColumnForThem() {
        String text = run("-p", "3", "-n", "0", "-r", "1", "--markdown").ok();
        assertTrue(text.startsWith("| model | size | params | weights | threads | peak MB | test | t/s |\n"), text);
        assertTrue(text.contains("\n|---|---:|---:|---|---:|---:|---|---:|\n"), text);
    }

    @Test
    void whatIsZeroIsLeftOut() {
        String text = run("-p", "0", "-n", "2", "-d", "3", "-r", "1").ok();
        assertTrue(
                text.matches("(?s).*\ntg2 at depth 3: [0-9.]+ tokens/s \\(median of 1, [0-9.]+ to [0-9.]+\\)\n.*"),
                text);
        assertEquals(IS_PEAK_TOLD, text.matches("(?s).*\npeak memory: [0-9,]+ MB\n"));
        assertFalse(text.contains("\npp"), text);
        text = run("-p", "2", "-n", "0", "-b", "1", "-r", "1").ok();
        assertTrue(text.contains("\npp2 by 1: "), text);
        assertFalse(text.contains("\ntg"), text);
    }

    @Test
    void aFreshProcess() throws IOException {
        Map<String, Object> json =
                JSON.std.mapFrom(run("--cold", "-n", "4", "-r", "2", "--json").ok());
        assertEquals(20, json.get("prompt_tokens"));
        double firstToken = (double) json.get("first_token_s");
        assertTrue(firstToken >= (double) json.get("prompt_s") + (double) json.get("load_s"), json.toString());
        assertEquals((double) json.get("first4") / (double) json.get("tg4"), (double) json.get("first4_ratio"), 2e-3);
        assertEquals(2, ((List<?>) json.get("tg_all")).size());
        assertFalse(json.containsKey("pp_all"), json.toString());

        String text = run("--cold", "-p", "3", "-n", "2", "-r", "1").ok();
        assertTrue(
                text.matches(
                        "(?s).*\nfirst token: [0-9.]+ s after the process began \\(prompt of 3 tokens: [0-9.]+ s\\)\n"
                                + "first 2 tokens: [0-9.]+ tokens/s, [0-9.]+ of the [0-9.]+ that follow \\(median of 1, .*"),
                text);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--prompt|5000000000|Invalid value for option '--prompt': expected whole numbers joined by commas, got 5000000000",
                "--prompt|1,,2|Invalid value for option '--prompt': expected whole numbers joined by commas, got 1,,2",
                "--prompt|1,|Invalid value for option '--prompt': expected whole numbers joined by commas, got 1,",
                "--depth|x|Invalid value for option '--depth': expected whole numbers joined by commas, got x",
                "--threads|1;2|Invalid value for option '--threads': expected whole numbers joined by commas, got 1;2",
                "--prompt|8,-1|--prompt: expected 0 to 16777216, got -1",
                "--prompt|99999999|--prompt: expected 0 to 16777216, got 99999999",
                "--prompt|8,8|--prompt: expected each number once, got 8,8",
                "--generate|-1|--generate: expected 0 to 16777216, got -1",
                "--depth|-1|--depth: expected 0 to 16777216, got -1",
                "--batch|0|--batch: expected 1 to 512, got 0",
                "--batch|128,513|--batch: expected 1 to 512, got 513",
                "--threads|1,0|--threads: expected 1 to 1024, got 0",
                "--repetitions|0|--repetitions: expected 1 to 10000, got 0",
                "--repetitions|1,2|Invalid value for option '--repetitions': '1,2' is not an int"
            })
    void badValues(String option, String value, String message) {
        run(option, value).failed(2, message + " (see medpsy bench --help)");
    }

    @Test
    void tooManyValues() {
        String values = IntStream.rangeClosed(1, 65).mapToObj(String::valueOf).collect(Collectors.joining(","));
        run("-p", values)
                .failed(
                        2,
                        "Invalid value for option '--prompt': expected at most 64 numbers, got 65"
                                + " (see medpsy bench --help)");
    }

    @Test
    void whatDoesNotGoTogether() {
        String help = " (see medpsy bench --help)";
        run("-p", "0", "-n", "0").failed(2, "--prompt 0 and --generate 0: nothing is left to measure" + help);
        run("--json", "--markdown").failed(2, "--json and --markdown: only one of them" + help);
        run("--cold", "--markdown").failed(2, "--cold: prints text or --json, no --markdown" + help);
        run("--cold", "-b", "8").failed(2, "--cold: has no --batch and no --depth" + help);
        run("--cold", "-d", "8").failed(2, "--cold: has no --batch and no --depth" + help);
        run("--cold", "-n", "0").failed(2, "--generate: expected 1 to 16777216, got 0" + help);
        String several = "--cold: a process is fresh only once; expected one model and one value of each option";
        run("--cold", "-t", "1,2").failed(2, several + help);
        run("--cold", "-p", "1,2").failed(2, several + help);
        run("--cold", Cli.TINY).failed(2, several + help);
    }

    @Test
    void otherCommandsTakeOneNumberOfThreads() {
        new Cli(home)
                .run("run", Cli.TINY, "-p", "x", "-t", "1,2")
                .failed(2, "--threads: expected one number, got 1,2 (see medpsy run --help)");
    }

    @Test
    void moreThanTheModelsContext() {
        run("-p", "5000").failed(1, Cli.TINY + ": context: expected at most the model's 4096, got 5000");
        run("-p", "8", "-n", "1", "-d", "0,4096")
                .failed(1, Cli.TINY + ": context: expected at most the model's 4096, got 4097");
    }

    @Test
    void theMedianOfAnEvenNumberIsTheMiddleOfTwo() {
        assertEquals(2, BenchTests.median(List.of(3.0, 1.0, 2.0)));
        assertEquals(2.5, BenchTests.median(List.of(4.0, 1.0, 2.0, 3.0)));
    }

    @Test
    void theDeviationIsThatOfASample() {
        assertEquals(2, new Result(null, List.of(1.0, 3.0, 5.0)).deviation(), 1e-12);
        assertEquals(0, new Result(null, List.of(7.0)).deviation());
    }

    @Test
    void whatLinuxTellsOfAProcess() throws IOException {
        Path self = Files.createDirectories(home.resolve("proc/self"));
        ProcessFacts facts = new ProcessFacts(home.resolve("proc"));
        assertEquals(OptionalDouble.empty(), facts.peakResidentMegabytes());
        Files.writeString(self.resolve("status"), "Name:\tjava\nVmPeak:\t 9999 kB\nVmHWM:\t    2000 kB\n");
        assertEquals(2.048, facts.peakResidentMegabytes().orElseThrow());
        // The name of a process may hold anything, parentheses and spaces too.
        String before = "1 (a) b (c)) S 0 1 1 0 -1 4194560 2 3 4 5 6 7 8 9 20 0 1 0 ";
        Files.writeString(self.resolve("stat"), before + "12345 1 2 3\n");
        Files.writeString(home.resolve("proc/uptime"), "125.50 99.00\n");
        assertEquals(2.05, facts.ageSeconds().orElseThrow(), 1e-9);
        assertTrue(facts.restartPeak());
        assertEquals("5", Files.readString(self.resolve("clear_refs")));
        assertFalse(new ProcessFacts(home.resolve("nowhere")).restartPeak());
    }

    @Test
    void thisProcessHasAnAge() {
        double jvm = ProcessHandle.current()
                .info()
                .startInstant()
                .map(start -> (System.currentTimeMillis() - start.toEpochMilli()) / 1e3)
                .orElseThrow();
        // The JDK reckons from a boot time in whole seconds.
        assertEquals(jvm, new ProcessFacts().ageSeconds().orElseThrow(), 2);
    }
}
