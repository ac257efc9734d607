package io.github.medpsy4j.engine.grammar;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * JSON Schema's {@code format}, as patterns that match some of what has the format and nothing that has not: dates have
 * the days that their month has, leap years included, and times no leap seconds (RFC 3339); domains are of ASCII letters.
 */
final class Formats {
    private static final String LEAP_YEAR = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
    private static final String DATE = "([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
            + "|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|" + LEAP_YEAR + "-02-29)";
    private static final String HOUR_MINUTE = "([01][0-9]|2[0-3]):[0-5][0-9]";
    private static final String TIME = HOUR_MINUTE + ":[0-5][0-9](\\.[0-9]{1,9})?(Z|[+\\-](0[0-9]|1[0-3]):[0-5][0-9])";
    private static final String LABEL = "[a-z0-9]([a-z0-9\\-]{0,20}[a-z0-9])?";
    private static final String DOMAIN = LABEL + "(\\." + LABEL + "){1,4}";
    private static final String BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    private static final Map<String, String> PATTERNS = Map.of(
            "date",
            DATE,
            "time",
            TIME,
            "date-time",
            DATE + "T" + TIME,
            "uuid",
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "email",
            "[A-Za-z0-9_+\\-]{1,32}(\\.[A-Za-z0-9_+\\-]{1,32}){0,3}@" + DOMAIN,
            "hostname",
            DOMAIN,
            "ipv4",
            BYTE + "(\\." + BYTE + "){3}",
            "uri",
            "https?://" + DOMAIN + "(/[A-Za-z0-9_.~\\-]{1,64}){0,8}/?");

    private Formats() {}

    /** The characters of a string of a format. */
    static Expr of(String path, String format) {
        String pattern = PATTERNS.get(format);
        if (pattern == null) {
            Set<String> known = new TreeSet<>(PATTERNS.keySet());
            throw new GrammarException(
                    path + ": expected one of " + String.join(", ", known) + ", got \"" + format + "\"");
        }
        return PatternParser.parse(path, "^" + pattern + "$");
    }
}
