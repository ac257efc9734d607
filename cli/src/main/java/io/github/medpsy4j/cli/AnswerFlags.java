package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.ChatOptions.Overflow;
import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.Generator;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.models.SamplingDefaults;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.IGetter;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options of commands that answer. */
final class AnswerFlags {
    /** What was given for {@link SamplingSettings}, by name. */
    private final Map<String, Given> settings = new LinkedHashMap<>();

    @Option(
            names = {"-c", "--context"},
            paramLabel = "N",
            description = "Tokens of context (default: the least of the model's, 16384 and what memory allows).")
    Integer context;

    @Option(
            names = {"-n", "--max-tokens"},
            paramLabel = "N",
            description = "Most tokens of an answer, thinking included (default: no bound but the context).")
    Integer maxTokens;

    @Option(names = "--system", paramLabel = "TEXT", description = "A system message.")
    String system;

    @Option(
            names = "--think",
            paramLabel = "on|off|auto",
            converter = Thinks.class,
            description = "Tell the model's template to think first, or not to (default: auto, the template decides).")
    Think think;

    @Option(
            names = "--think-budget",
            paramLabel = "N",
            description = "Most tokens of thinking before the answer must follow (default: no bound).")
    Integer thinkBudget;

    @Option(
            names = "--stop",
            paramLabel = "TEXT",
            description = "End the answer before this text; may be given several times.")
    List<String> stops = new ArrayList<>();

    @Option(
            names = "--overflow",
            paramLabel = "stop|trim",
            converter = Overflows.class,
            description = "When the context is full, the oldest turns leave it (trim, the default), or the "
                    + "conversation stops.")
    Overflow overflow;

    @Option(
            names = "--draft",
            paramLabel = "N",
            description = "Most tokens to guess at a time where the text repeats itself; guesses make it faster and "
                    + "change no token (default: 15, of several prompts at once 7); 0 for none.")
    Integer draft;

    void check(Ranges ranges) {
        ranges.checkTexts("--stop", stops);
        ranges.check("--context", context, 1, Integer.MAX_VALUE);
        ranges.check("--max-tokens", maxTokens, 1, Integer.MAX_VALUE);
        ranges.check("--think-budget", thinkBudget, 1, Integer.MAX_VALUE);
        ranges.check("--draft", draft, 0, Generator.DRAFT_MAX);
        try {
            settingsOver(SamplingOptions.greedy());
        } catch (IllegalArgumentException e) {
            throw ranges.failed(e);
        }
    }

    /** Adds a flag for each of {@link SamplingSettings}. */
    void addSamplingTo(CommandSpec command) {
        ArgGroupSpec.Builder group =
                ArgGroupSpec.builder().heading("%nSampling:%n").validate(false).multiplicity("0..1");
        for (SamplingSettings.Setting each : SamplingSettings.all()) {
            String[] names = each.alias().isEmpty()
                    ? new String[] {"--" + each.name()}
                    : new String[] {"--" + each.name(), "--" + each.alias()};
            OptionSpec.Builder option = OptionSpec.builder(names)
                    .paramLabel(each.label())
                    .arity("1")
                    .description(each.help());
            if (each.isList()) {
                option.type(List.class).auxiliaryTypes(String.class);
            } else {
                option.type(String.class);
            }
            Given given = new Given();
            settings.put(each.name(), given);
            group.addArg(option.getter(given).setter(given).build());
        }
        command.addArgGroup(group.build());
    }

    /** What a flag gave: nothing, a text, or a list of them. */
    private static final class Given implements IGetter, ISetter {
        private Object value;

        @Override
        @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // the interface is picocli's
        public <T> T get() {
            return (T) value;
        }

        @Override
        @SuppressWarnings("unchecked")
        public <T> T set(T newValue) {
            Object before = value;
            value = newValue;
            return (T) before;
        }

        List<?> values() {
            return value == null ? List.of() : value instanceof List<?> list ? list : List.of(value);
        }
    }

    private SamplingOptions settingsOver(SamplingOptions defaults) {
        SamplingOptions options = defaults;
        for (Map.Entry<String, Given> setting : settings.entrySet()) {
            for (Object value : setting.getValue().values()) {
                options = SamplingSettings.with(options, setting.getKey(), (String) value);
            }
        }
        return options;
    }

    /** The sampling that the flags ask for, over the publisher's defaults, over the engine's. */
    SamplingOptions sampling(Optional<SamplingDefaults> published) {
        SamplingOptions.Builder defaults = SamplingOptions.builder().seed(System.nanoTime());
        published.ifPresent(p -> defaults.temperature((float) p.temperature())
                .topK(p.topK())
                .topP((float) p.topP())
                .minP(0));
        return settingsOver(defaults.build());
    }

    /** Checks a sampling against a model, and with {@code --verbose} says what acts. */
    static void present(SamplingOptions sampling, Model model, Terminal terminal, boolean isVerbose) throws Failure {
        try {
            sampling.checkTokens(model.tokenizer().vocabulary().size());
        } catch (IllegalArgumentException e) {
            throw new Failure("--" + e.getMessage(), e);
        }
        if (isVerbose) {
            terminal.say("sampling: " + sampling.describe());
        }
    }

    /** Whether the command line fixes the seed. */
    boolean hasSeed() {
        return !settings.get("seed").values().isEmpty();
    }

    /** The sampling settings that the command line sets, by name; a seed of -1 leaves it open. */
    Set<String> setNames() {
        Set<String> names = new LinkedHashSet<>();
        settings.forEach((name, given) -> {
            boolean isAnySeed = name.equals("seed")
                    && given.values().stream()
                            .allMatch(v -> ((String) v).strip().equals("-1"));
            if (!given.values().isEmpty() && !isAnySeed) {
                names.add(name);
            }
        });
        return names;
    }

    ChatOptions chatOptions(SamplingOptions sampling) {
        ChatOptions.Builder b = ChatOptions.builder().sampling(sampling).stops(stops);
        if (system != null) {
            b.system(system);
        }
        if (maxTokens != null) {
            b.maxTokens(maxTokens);
        }
        if (think != null) {
            b.think(think);
        }
        if (thinkBudget != null) {
            b.thinkBudget(thinkBudget);
        }
        if (overflow != null) {
            b.overflow(overflow);
        }
        if (draft != null) {
            b.draft(draft);
        }
        return b.build();
    }

    static final class Thinks implements ITypeConverter<Think> {
        @Override
        public Think convert(String value) {
            return switch (value.toLowerCase(Locale.ROOT)) {
                case "on" -> Think.ON;
                case "off" -> Think.OFF;
                case "auto" -> Think.AUTO;
                default -> throw new TypeConversionException("expected on, off or auto, got " + value);
            };
        }
    }

    static final class Overflows implements ITypeConverter<Overflow> {
        @Override
        public Overflow convert(String value) {
            return switch (value.toLowerCase(Locale.ROOT)) {
                case "stop" -> Overflow.STOP;
                case "trim" -> Overflow.TRIM;
                default -> throw new TypeConversionException("expected stop or trim, got " + value);
            };
        }
    }
}
