package io.github.medpsy4j.engine.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The samplers that can be put in order, by llama.cpp's names. */
public enum SamplerType {
    /** Repeat, frequency and presence penalty. */
    PENALTIES("penalties"),
    /** Penalises the continuation of what repeats an earlier stretch. */
    DRY("dry"),
    TOP_N_SIGMA("top_n_sigma"),
    TOP_K("top_k"),
    TYPICAL_P("typ_p"),
    TOP_P("top_p"),
    MIN_P("min_p"),
    /** Excludes the top choices, now and then. */
    XTC("xtc"),
    TEMPERATURE("temperature");

    private static final String SEPARATOR = ";";

    private final String id;

    SamplerType(String id) {
        this.id = id;
    }

    /** llama.cpp's name, such as {@code top_k}. */
    public String id() {
        return id;
    }

    /** The order that llama.cpp has without {@code --samplers}: all of them, as they are declared here. */
    public static List<SamplerType> defaultOrder() {
        return List.of(values());
    }

    /**
     * Reads an order such as {@code penalties;top_k;temperature}. Hyphens stand for underscores, and llama.cpp's other
     * names ({@code typical}, {@code nucleus}, {@code temp}) are known.
     *
     * @throws IllegalArgumentException if a name is unknown
     */
    public static List<SamplerType> parseOrder(String text) {
        List<SamplerType> order = new ArrayList<>();
        for (String name : text.split(SEPARATOR, -1)) {
            order.add(of(name));
        }
        return order;
    }

    /** The order as {@link #parseOrder} reads it. */
    public static String format(List<SamplerType> order) {
        return order.stream().map(SamplerType::id).collect(Collectors.joining(SEPARATOR));
    }

    private static SamplerType of(String name) {
        String known = switch (name.strip().toLowerCase(Locale.ROOT).replace('-', '_')) {
            case "typical_p", "typical", "typ" -> TYPICAL_P.id;
            case "nucleus" -> TOP_P.id;
            case "temp" -> TEMPERATURE.id;
            case String other -> other;
        };
        return Arrays.stream(values())
                .filter(each -> each.id.equals(known))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("samplers: expected names out of "
                        + format(defaultOrder()) + " separated by ';', got '" + name + "'"));
    }
}
