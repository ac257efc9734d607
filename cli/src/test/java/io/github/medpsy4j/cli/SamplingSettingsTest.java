package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.sampling.LogitBias;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SamplingSettingsTest {
    private static final SamplingOptions DEFAULTS = SamplingOptions.defaults(1);

    /** A value for each setting that is not its default. */
    private static final Map<String, String> OTHERS = new TreeMap<>(Map.ofEntries(
            Map.entry("temp", "0.5"),
            Map.entry("top-k", "7"),
            Map.entry("top-p", "0.5"),
            Map.entry("min-p", "0.25"),
            Map.entry("typical-p", "0.75"),
            Map.entry("top-n-sigma", "1.5"),
            Map.entry("xtc-probability", "0.5"),
            Map.entry("xtc-threshold", "0.2"),
            Map.entry("dynatemp-range", "0.3"),
            Map.entry("dynatemp-exp", "2"),
            Map.entry("repeat-penalty", "1.1"),
            Map.entry("presence-penalty", "-0.5"),
            Map.entry("frequency-penalty", "0.25"),
            Map.entry("repeat-last-n", "-1"),
            Map.entry("dry-multiplier", "0.8"),
            Map.entry("dry-base", "2"),
            Map.entry("dry-allowed-length", "3"),
            Map.entry("dry-penalty-last-n", "100"),
            Map.entry("dry-sequence-breaker", "'END'"),
            Map.entry("mirostat", "2"),
            Map.entry("mirostat-tau", "3"),
            Map.entry("mirostat-eta", "0.2"),
            Map.entry("logit-bias", "15043-1.5"),
            Map.entry("samplers", "temperature;top_k"),
            Map.entry("seed", "99")));

    @Test
    void everySettingIsSetAndShownUnderItsOwnName() {
        assertEquals(OTHERS.keySet(), new TreeMap<>(SamplingSettings.values(DEFAULTS)).keySet());
        OTHERS.forEach((name, value) -> {
            String given = name.equals("dry-sequence-breaker") ? "END" : value;
            SamplingOptions changed = SamplingSettings.with(DEFAULTS, name, given);
            Map<String, String> before = SamplingSettings.values(DEFAULTS);
            Map<String, String> after = SamplingSettings.values(changed);
            assertNotEquals(before.get(name), value, name);
            before.put(name, value);
            assertEquals(before, after, "only " + name + " changes");
        });
    }

    @Test
    void otherNamesOfLlamaCppAreKnown() {
        for (String name : List.of("temperature", "typical", "top-nsigma", "mirostat-ent", "mirostat-lr")) {
            assertNotEquals(DEFAULTS, SamplingSettings.with(DEFAULTS, name, "0.4"), name);
        }
    }

    @Test
    void listsGrowUntilTheyAreEmptied() {
        SamplingOptions one = SamplingSettings.with(DEFAULTS, "dry-sequence-breaker", "a");
        SamplingOptions two = SamplingSettings.with(one, "dry-sequence-breaker", "\\t\\\\");
        assertEquals(List.of("a", "\t\\"), two.drySequenceBreakers());
        assertEquals(
                List.of(),
                SamplingSettings.with(two, "dry-sequence-breaker", "none").drySequenceBreakers());
        SamplingOptions biased =
                SamplingSettings.with(SamplingSettings.with(DEFAULTS, "logit-bias", "5+1"), "logit-bias", "\"5\"-2");
        assertEquals(List.of(LogitBias.ofToken(5, 1), LogitBias.ofText("5", -2)), biased.logitBias());
        assertEquals("5+1 \"5\"-2", SamplingSettings.values(biased).get("logit-bias"));
        assertEquals(
                List.of(), SamplingSettings.with(biased, "logit-bias", "none").logitBias());
    }

    @Test
    void refusalsNameTheSettingAndWhatWasExpected() {
        assertRefused("temp: expected 0 to 100, got 101", "temp", "101");
        assertRefused("temp: expected a number, got 'hot'", "temperature", "hot");
        assertRefused("tmp: no such setting; did you mean temp?", "tmp", "1");
        assertRefused("brightness: no such setting", "brightness", "1");
        assertRefused("dry-sequence-breaker: expected a text, got an empty one", "dry-sequence-breaker", "");
        IllegalArgumentException unknown = assertThrows(
                IllegalArgumentException.class, () -> SamplingSettings.with(DEFAULTS, "logit-bias", "1000-1", 1000));
        assertEquals("logit-bias: expected a token id below 1000, got 1000", unknown.getMessage());
    }

    private static void assertRefused(String message, String name, String value) {
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, () -> SamplingSettings.with(DEFAULTS, name, value))
                        .getMessage());
    }

    @Test
    void everySettingHasHelp() {
        for (SamplingSettings.Setting each : SamplingSettings.all()) {
            assertTrue(each.help().endsWith("."), each.name());
        }
    }
}
