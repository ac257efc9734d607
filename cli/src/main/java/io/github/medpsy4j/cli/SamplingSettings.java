package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.sampling.LogitBias;
import io.github.medpsy4j.engine.sampling.SamplerType;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The one table of the sampling settings, by the names that llama.cpp's flags have without their hyphens: the flags of
 * {@code run} and {@code chat} and the chat's {@code /set} are made of it.
 */
final class SamplingSettings {
    /** Empties a list. */
    private static final String NONE = "none";

    /**
     * One setting.
     *
     * @param name such as {@code top-k}
     * @param alias llama.cpp's other name; empty if there is none
     * @param label of the value in help, such as {@code K}
     * @param help one or two sentences with the range and the default
     * @param getter the current value as {@code setter} reads it; lists for people only
     * @param setter reads a value into a builder; an IllegalArgumentException's message starts with the name
     * @param isList whether another value adds to those before
     */
    record Setting(
            String name,
            String alias,
            String label,
            String help,
            Function<SamplingOptions, String> getter,
            BiConsumer<SamplingOptions.Builder, String> setter,
            boolean isList) {}

    private static final Map<String, Setting> SETTINGS = new LinkedHashMap<>();
    private static final Map<String, Setting> BY_ANY_NAME = new LinkedHashMap<>();

    static {
        real(
                "temp",
                "temperature",
                "T",
                "Temperature, 0 to 100; 0 always takes the best token and repeats exactly.%n"
                        + "The default of this, --top-k and --top-p is the model's publisher's, where the catalogue "
                        + "has it (MedPsy: 0.6, 20, 0.95), else 0.8, 40, 0.95.",
                SamplingOptions::temperature,
                SamplingOptions.Builder::temperature);
        whole(
                "top-k",
                "",
                "K",
                "Draw from the K best tokens; 0 for all.",
                SamplingOptions::topK,
                SamplingOptions.Builder::topK);
        real(
                "top-p",
                "",
                "P",
                "Draw from the best tokens that have probability P together; 1 for all.",
                SamplingOptions::topP,
                SamplingOptions.Builder::topP);
        real(
                "min-p",
                "",
                "P",
                "Draw from tokens at least P times as probable as the best; 0 for all.",
                SamplingOptions::minP,
                SamplingOptions.Builder::minP);
        real(
                "typical-p",
                "typical",
                "P",
                "Draw from the tokens whose surprise is nearest to the expected one, until they have probability P; "
                        + "1 for all (the default).",
                SamplingOptions::typicalP,
                SamplingOptions.Builder::typicalP);
        real(
                "top-n-sigma",
                "top-nsigma",
                "N",
                "Draw from tokens whose logits are within N standard deviations of the best; 0 for all (the default).",
                SamplingOptions::topNSigma,
                SamplingOptions.Builder::topNSigma);
        real(
                "xtc-probability",
                "",
                "P",
                "How often the top choices but the last of them are left out, 0 (the default) to 1.",
                SamplingOptions::xtcProbability,
                SamplingOptions.Builder::xtcProbability);
        real(
                "xtc-threshold",
                "",
                "P",
                "The least probability of such a top choice, 0 to 1 (default: 0.1; above 0.5 none are left out).",
                SamplingOptions::xtcThreshold,
                SamplingOptions.Builder::xtcThreshold);
        real(
                "dynatemp-range",
                "",
                "T",
                "Let the temperature move by up to T to either side, with the entropy; 0 (the default) for not.",
                SamplingOptions::dynatempRange,
                SamplingOptions.Builder::dynatempRange);
        real(
                "dynatemp-exp",
                "",
                "E",
                "The exponent of the entropy in that, above 0 (default: 1).",
                SamplingOptions::dynatempExponent,
                SamplingOptions.Builder::dynatempExponent);
        real(
                "repeat-penalty",
                "",
                "R",
                "Make recent tokens less probable: divide their logits by R; 1 for not (the default).",
                SamplingOptions::repeatPenalty,
                SamplingOptions.Builder::repeatPenalty);
        real(
                "presence-penalty",
                "",
                "A",
                "Subtract A from the logits of recent tokens, -100 to 100 (default: 0).",
                SamplingOptions::presencePenalty,
                SamplingOptions.Builder::presencePenalty);
        real(
                "frequency-penalty",
                "",
                "A",
                "Subtract A as often as a recent token occurs, -100 to 100 (default: 0).",
                SamplingOptions::frequencyPenalty,
                SamplingOptions.Builder::frequencyPenalty);
        whole(
                "repeat-last-n",
                "",
                "N",
                "How many tokens are recent (default: 64); -1 for all of the context, 0 for no penalties.",
                SamplingOptions::repeatLastN,
                SamplingOptions.Builder::repeatLastN);
        real(
                "dry-multiplier",
                "",
                "M",
                "Penalise what would go on repeating an earlier stretch by M * BASE^(its length - the allowed "
                        + "length); 0 (the default) for not.",
                SamplingOptions::dryMultiplier,
                SamplingOptions.Builder::dryMultiplier);
        real(
                "dry-base",
                "",
                "B",
                "That BASE, 1 to 100 (default: 1.75).",
                SamplingOptions::dryBase,
                SamplingOptions.Builder::dryBase);
        whole(
                "dry-allowed-length",
                "",
                "N",
                "The longest stretch that may repeat without that, in tokens (default: 2).",
                SamplingOptions::dryAllowedLength,
                SamplingOptions.Builder::dryAllowedLength);
        whole(
                "dry-penalty-last-n",
                "",
                "N",
                "How many tokens it looks back at (default: -1, all of the context).",
                SamplingOptions::dryPenaltyLastN,
                SamplingOptions.Builder::dryPenaltyLastN);
        add(new Setting(
                "dry-sequence-breaker",
                "",
                "TEXT",
                "A text that no stretch reaches across; may be given several times, and replaces the default "
                        + "(newline, colon, quote, asterisk). 'none' for none, \\n for a newline.",
                o -> shown(o.drySequenceBreakers().stream()
                        .map(SamplingSettings::escaped)
                        .toList()),
                SamplingSettings::addBreaker,
                true));
        whole(
                "mirostat",
                "",
                "0|2",
                "2 for mirostat 2.0, which replaces all truncation (default: 0).",
                SamplingOptions::mirostat,
                SamplingOptions.Builder::mirostat);
        real(
                "mirostat-tau",
                "mirostat-ent",
                "T",
                "The surprise in bits that mirostat aims at, above 0 (default: 5).",
                SamplingOptions::mirostatTau,
                SamplingOptions.Builder::mirostatTau);
        real(
                "mirostat-eta",
                "mirostat-lr",
                "E",
                "Mirostat's learning rate, 0 to 10 (default: 0.1).",
                SamplingOptions::mirostatEta,
                SamplingOptions.Builder::mirostatEta);
        add(new Setting(
                "logit-bias",
                "",
                "TOKEN+-B",
                "Add B to the logit of a token (15043+1, 15043-inf) or of the tokens of a text (hello-2); may be given "
                        + "several times. 'none' for none.",
                o -> shown(o.logitBias().stream().map(LogitBias::toString).toList()),
                SamplingSettings::addBias,
                true));
        add(new Setting(
                "samplers",
                "",
                "NAMES",
                "Which samplers act, first to last, separated by ';' (default: "
                        + SamplerType.format(SamplerType.defaultOrder()) + ").",
                o -> SamplerType.format(o.samplers()),
                (b, value) -> b.samplers(SamplerType.parseOrder(value)),
                false));
        add(new Setting(
                "seed",
                "",
                "N",
                "Fix what is drawn (default: -1, another each time).",
                o -> String.valueOf(o.seed()),
                (b, value) -> b.seed(seed(value)),
                false));
    }

    private SamplingSettings() {}

    /** Whether it is the name or the alias of a setting. */
    static boolean isSetting(String name) {
        return BY_ANY_NAME.containsKey(name);
    }

    /** The name of a setting that may be named by its alias; empty if it is none. */
    static Optional<String> nameOf(String nameOrAlias) {
        return Optional.ofNullable(BY_ANY_NAME.get(nameOrAlias)).map(Setting::name);
    }

    /** Options in which the settings of these names are those of others. */
    static SamplingOptions copied(Set<String> names, SamplingOptions from, SamplingOptions onto) {
        SamplingOptions.Builder b = onto.toBuilder();
        for (String name : names) {
            Setting setting = SETTINGS.get(name);
            switch (name) {
                case "dry-sequence-breaker" -> b.drySequenceBreakers(from.drySequenceBreakers());
                case "logit-bias" -> b.logitBias(from.logitBias());
                default -> setting.setter.accept(b, setting.getter.apply(from));
            }
        }
        return b.build();
    }

    /** All settings, in the order of help. */
    static Collection<Setting> all() {
        return SETTINGS.values();
    }

    /**
     * The options with one setting changed. A setting that is a list grows by the value, unless it is {@code none}.
     *
     * @throws IllegalArgumentException if there is no such setting, or the value is out of its range: {@code temp:
     *     expected 0 to 100, got 101}
     */
    static SamplingOptions with(SamplingOptions options, String name, String value) {
        Setting setting = BY_ANY_NAME.get(name);
        if (setting == null) {
            List<String> near = Near.of(name, BY_ANY_NAME.keySet());
            throw new IllegalArgumentException(name + ": no such setting"
                    + (near.isEmpty() ? "" : "; did you mean " + String.join(" or ", near) + "?"));
        }
        SamplingOptions.Builder b = options.toBuilder();
        setting.setter.accept(b, value);
        return b.build();
    }

    /** The options with one setting changed, refused also where a vocabulary of this size rules the value out. */
    static SamplingOptions with(SamplingOptions options, String name, String value, int vocabularySize) {
        SamplingOptions changed = with(options, name, value);
        changed.checkTokens(vocabularySize);
        return changed;
    }

    /** Each setting's name and current value, for people. */
    static Map<String, String> values(SamplingOptions options) {
        Map<String, String> values = new LinkedHashMap<>();
        all().forEach(each -> values.put(each.name, each.getter.apply(options)));
        return values;
    }

    private static void real(
            String name,
            String alias,
            String label,
            String help,
            Function<SamplingOptions, Float> getter,
            BiConsumer<SamplingOptions.Builder, Float> setter) {
        add(new Setting(
                name,
                alias,
                label,
                help,
                o -> shown(getter.apply(o)),
                (b, value) -> {
                    try {
                        setter.accept(b, Float.parseFloat(value.strip()));
                    } catch (NumberFormatException e) {
                        throw new IllegalArgumentException(name + ": expected a number, got '" + value + "'", e);
                    }
                },
                false));
    }

    private static void whole(
            String name,
            String alias,
            String label,
            String help,
            Function<SamplingOptions, Integer> getter,
            BiConsumer<SamplingOptions.Builder, Integer> setter) {
        add(new Setting(
                name,
                alias,
                label,
                help,
                o -> String.valueOf(getter.apply(o)),
                (b, value) -> {
                    try {
                        setter.accept(b, Integer.parseInt(value.strip()));
                    } catch (NumberFormatException e) {
                        throw new IllegalArgumentException(name + ": expected a whole number, got '" + value + "'", e);
                    }
                },
                false));
    }

    private static void add(Setting setting) {
        SETTINGS.put(setting.name, setting);
        BY_ANY_NAME.put(setting.name, setting);
        if (!setting.alias.isEmpty()) {
            BY_ANY_NAME.put(setting.alias, setting);
        }
    }

    private static long seed(String value) {
        try {
            long seed = Long.parseLong(value.strip());
            return seed == -1 ? System.nanoTime() : seed;
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("seed: expected a whole number, got '" + value + "'", e);
        }
    }

    private static void addBreaker(SamplingOptions.Builder b, String value) {
        List<String> before = b.build().drySequenceBreakers();
        if (value.equals(NONE)) {
            b.drySequenceBreakers(List.of());
            return;
        }
        List<String> breakers = new ArrayList<>(before.equals(SamplingOptions.DEFAULT_BREAKERS) ? List.of() : before);
        breakers.add(unescaped(value));
        b.drySequenceBreakers(breakers);
    }

    private static void addBias(SamplingOptions.Builder b, String value) {
        if (value.equals(NONE)) {
            b.logitBias(List.of());
            return;
        }
        List<LogitBias> biases = new ArrayList<>(b.build().logitBias());
        biases.add(LogitBias.parse(value));
        b.logitBias(biases);
    }

    /** A number as a person writes it: 2 rather than 2.0. */
    private static String shown(float value) {
        return value == Math.rint(value) ? String.valueOf((long) value) : String.valueOf(value);
    }

    private static String shown(List<String> values) {
        return values.isEmpty() ? NONE : values.stream().collect(Collectors.joining(" "));
    }

    private static String escaped(String text) {
        return "'" + text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") + "'";
    }

    private static String unescaped(String text) {
        StringBuilder plain = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\' || i + 1 == text.length()) {
                plain.append(c);
                continue;
            }
            char escape = text.charAt(++i);
            plain.append(
                    switch (escape) {
                        case 'n' -> "\n";
                        case 't' -> "\t";
                        case 'r' -> "\r";
                        case '\\', '"', '\'' -> String.valueOf(escape);
                        default -> "\\" + escape;
                    });
        }
        return plain.toString();
    }
}
