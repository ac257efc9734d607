package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.sampling.LogitBias;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.models.SamplingDefaults;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

class FlagsTest {
    @TempDir
    Path home;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--temp|-0.1|--temp: expected 0 to 100, got -0.1",
                "--temp|100.5|--temp: expected 0 to 100, got 100.5",
                "--temp|NaN|--temp: expected 0 to 100, got NaN",
                "--temp|warm|--temp: expected a number, got 'warm'",
                "--top-k|-1|--top-k: expected at least 0, got -1",
                "--top-p|1.5|--top-p: expected 0 to 1, got 1.5",
                "--min-p|-1|--min-p: expected 0 to 1, got -1",
                "--repeat-penalty|0|--repeat-penalty: expected above 0 and at most 100, got 0",
                "--threads|0|--threads: expected 1 to 1024, got 0",
                "--threads|5000|--threads: expected 1 to 1024, got 5000",
                "-c|0|--context: expected at least 1, got 0",
                "-c|99999999999|Invalid value for option '--context': '99999999999' is not an int",
                "-n|0|--max-tokens: expected at least 1, got 0",
                "--top-k|1.5|--top-k: expected a whole number, got '1.5'",
                "--seed|x|--seed: expected a whole number, got 'x'",
                "--mirostat|1|--mirostat: expected 0 or 2, got 1",
                "--dry-base|0.5|--dry-base: expected 1 to 100, got 0.5",
                "--typical|2|--typical-p: expected 0 to 1, got 2",
                "--samplers|top_k;best|--samplers: expected names out of penalties;dry;top_n_sigma;top_k;typ_p;top_p;"
                        + "min_p;xtc;temperature separated by ';', got 'best'",
                "--samplers|temp;temp|--samplers: expected each name once, got temperature twice",
                "--logit-bias|7|--logit-bias: expected a token id or text, and a bias with its sign (15043-1), got '7'",
                "--logit-bias|7+inf|--logit-bias: expected a number or -inf, got Infinity",
                "--think|maybe|Invalid value for option '--think': expected on, off or auto, got maybe",
                "--think-budget|0|--think-budget: expected at least 1, got 0",
                "--draft|32|--draft: expected 0 to 31, got 32",
                "--weights|thin|Invalid value for option '--weights': expected auto, mapped or packed, got thin",
                "--kv|f8|Invalid value for option '--kv': expected f16, f32 or q8_0, got f8",
            })
    void aValueOutOfRangeNamesOptionBoundAndValue(String option, String value, String message) {
        new Cli(home).run("run", Cli.TINY, "-p", "x", option, value).failed(2, message + " (see medpsy run --help)");
        new Cli(home).run("chat", Cli.TINY, option, value).failed(2, message + " (see medpsy chat --help)");
    }

    @Test
    void aContextBeyondTheModelsIsRefused() {
        new Cli(home)
                .run("run", Cli.TINY, "-p", "x", "-c", "4097")
                .failed(1, Cli.TINY + ": context: expected at most the model's 4096, got 4097");
    }

    @Test
    void anOptionWithoutItsValueIsAUsageError() {
        new Cli(home)
                .run("run", Cli.TINY, "-p")
                .failed(2, "Missing required parameter for option '--prompt' (PROMPT) (see medpsy run --help)");
    }

    @Test
    void aBiasedTokenThatTheModelHasNotIsRefused() {
        new Cli(home)
                .run("run", Cli.TINY, "-p", "x", "-q", "--logit-bias", "1024-1")
                .failed(1, "--logit-bias: expected a token id below 1024, got 1024");
    }

    @Test
    void flagsWinOverThePublishersSamplingAndThatOverTheEngines() {
        Optional<SamplingDefaults> medpsy = Optional.of(new SamplingDefaults(0.6, 20, 0.95));
        AnswerFlags none = flags("--seed", "3");
        assertEquals(SamplingOptions.defaults(3), none.sampling(Optional.empty()));
        SamplingOptions published = SamplingOptions.builder()
                .temperature(0.6f)
                .topK(20)
                .topP(0.95f)
                .minP(0)
                .seed(3)
                .build();
        assertEquals(published, none.sampling(medpsy));
        AnswerFlags some = flags("--seed", "3", "--temp", "0", "--top-k=5", "--min-p", ".1", "--repeat-penalty", "1.1");
        assertEquals(
                published.toBuilder()
                        .temperature(0)
                        .topK(5)
                        .minP(0.1f)
                        .repeatPenalty(1.1f)
                        .build(),
                some.sampling(medpsy));
    }

    @Test
    void withoutASeedItIsAnotherEachTime() {
        AnswerFlags none = flags();
        assertNotEquals(
                none.sampling(Optional.empty()).seed(),
                none.sampling(Optional.empty()).seed());
        assertNotEquals(-1, flags("--seed", "-1").sampling(Optional.empty()).seed());
    }

    @Test
    void listsAreGivenOneByOne() {
        SamplingOptions s = flags(
                        "--logit-bias", "7+1.5", "--logit-bias", "a b-inf", "--dry-sequence-breaker", "\\n\\n")
                .sampling(Optional.empty());
        assertEquals(
                List.of(LogitBias.ofToken(7, 1.5f), LogitBias.ofText("a b", Float.NEGATIVE_INFINITY)), s.logitBias());
        assertEquals(List.of("\n\n"), s.drySequenceBreakers());
    }

    /** What a command line makes of the flags. */
    private static AnswerFlags flags(String... args) {
        AnswerFlags flags = new AnswerFlags();
        CommandSpec spec = CommandSpec.create();
        flags.addSamplingTo(spec);
        new CommandLine(spec).parseArgs(args);
        return flags;
    }

    @Test
    void verboseSaysWhatActs() {
        Cli.Result result = new Cli(home)
                .run("run", Cli.TINY, "-p", "x", "-n", "1", "--verbose", "--seed", "5", "--samplers", "temp;top_k");
        assertTrue(result.err().contains("medpsy: sampling: temp 0.8 -> top-k 40 -> draw with seed 5\n"), result.err());
    }
}
