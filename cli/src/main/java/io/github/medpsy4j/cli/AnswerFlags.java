package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.ChatOptions.Overflow;
import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.models.SamplingDefaults;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options of commands that answer. */
final class AnswerFlags {
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

    @Option(
            names = "--temp",
            paramLabel = "T",
            description = "Temperature, 0 to 100; 0 always takes the best token and repeats exactly.%n"
                    + "The default of this and the next two is the model's publisher's, where the catalogue has it "
                    + "(MedPsy: 0.6, 20, 0.95), else 0.8, 40, 0.95.")
    Float temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "Draw from the K best tokens; 0 for all.")
    Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Draw from the best tokens that have probability P together; 1 for all.")
    Float topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Draw from tokens at least P times as probable as the best; 0 for all.")
    Float minP;

    @Option(
            names = "--repeat-penalty",
            paramLabel = "R",
            description = "Make recent tokens less probable; 1 for not (the default).")
    Float repeatPenalty;

    @Option(names = "--seed", paramLabel = "N", description = "Fix what is drawn (default: another each time).")
    Long seed;

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

    void check(Ranges ranges) {
        ranges.checkTexts("--stop", stops);
        ranges.check("--context", context, 1, Integer.MAX_VALUE);
        ranges.check("--max-tokens", maxTokens, 1, Integer.MAX_VALUE);
        ranges.check("--temp", temperature, 0, false, 100);
        ranges.check("--top-k", topK, 0, Integer.MAX_VALUE);
        ranges.check("--top-p", topP, 0, false, 1);
        ranges.check("--min-p", minP, 0, false, 1);
        ranges.check("--repeat-penalty", repeatPenalty, 0, true, 100);
        ranges.check("--think-budget", thinkBudget, 1, Integer.MAX_VALUE);
    }

    /** The sampling that the flags ask for, over the publisher's defaults, over the engine's. */
    SamplingOptions sampling(Optional<SamplingDefaults> published) {
        long seedUsed = seed == null ? System.nanoTime() : seed;
        SamplingOptions s = SamplingOptions.defaults(seedUsed);
        if (published.isPresent()) {
            SamplingDefaults p = published.get();
            s = new SamplingOptions(
                    (float) p.temperature(), p.topK(), (float) p.topP(), 0, 1, s.repeatWindow(), seedUsed);
        }
        s = temperature == null ? s : s.withTemperature(temperature);
        s = topK == null ? s : s.withTopK(topK);
        s = topP == null ? s : s.withTopP(topP);
        s = minP == null ? s : s.withMinP(minP);
        return repeatPenalty == null ? s : s.withRepeatPenalty(repeatPenalty);
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
