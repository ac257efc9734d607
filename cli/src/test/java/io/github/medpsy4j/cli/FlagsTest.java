package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.models.SamplingDefaults;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
                "--temp|warm|Invalid value for option '--temp': 'warm' is not a float",
                "--top-k|-1|--top-k: expected at least 0, got -1",
                "--top-p|1.5|--top-p: expected 0 to 1, got 1.5",
                "--min-p|-1|--min-p: expected 0 to 1, got -1",
                "--repeat-penalty|0|--repeat-penalty: expected above 0 and at most 100, got 0",
                "--threads|0|--threads: expected 1 to 1024, got 0",
                "--threads|5000|--threads: expected 1 to 1024, got 5000",
                "-c|0|--context: expected at least 1, got 0",
                "-c|99999999999|Invalid value for option '--context': '99999999999' is not an int",
                "-n|0|--max-tokens: expected at least 1, got 0",
                "--seed|x|Invalid value for option '--seed': 'x' is not a long",
                "--think|maybe|Invalid value for option '--think': expected on, off or auto, got maybe",
                "--think-budget|0|--think-budget: expected at least 1, got 0",
                "--weights|thin|Invalid value for option '--weights': expected auto, mapped or packed, got thin",
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
    void flagsWinOverThePublishersSamplingAndThatOverTheEngines() {
        AnswerFlags flags = new AnswerFlags();
        flags.seed = 3L;
        assertEquals(SamplingOptions.defaults(3), flags.sampling(Optional.empty()));
        Optional<SamplingDefaults> medpsy = Optional.of(new SamplingDefaults(0.6, 20, 0.95));
        assertEquals(new SamplingOptions(0.6f, 20, 0.95f, 0, 1, 64, 3), flags.sampling(medpsy));
        flags.temperature = 0f;
        flags.topK = 5;
        flags.topP = 0.5f;
        flags.minP = 0.1f;
        flags.repeatPenalty = 1.1f;
        assertEquals(new SamplingOptions(0, 5, 0.5f, 0.1f, 1.1f, 64, 3), flags.sampling(medpsy));
    }
}
