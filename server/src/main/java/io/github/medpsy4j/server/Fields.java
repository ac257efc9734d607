package io.github.medpsy4j.server;

import java.math.BigInteger;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A JSON object of a request, read field by field; what was not asked for is refused at the end. A field that is null
 * counts as absent.
 */
final class Fields {
    private final String prefix;
    private final Map<?, ?> map;
    private final Set<String> read = new HashSet<>();

    private Fields(String prefix, Map<?, ?> map) {
        this.prefix = prefix;
        this.map = map;
    }

    static Fields of(byte[] body) throws ApiError {
        return new Fields("", Json.object(body));
    }

    /** @param path where the value stands */
    static Fields of(String path, Object value) throws ApiError {
        if (value instanceof Map<?, ?> map) {
            return new Fields(path + ".", map);
        }
        throw wrong(path, "an object", value);
    }

    static ApiError wrong(String path, String expected, Object got) {
        return ApiError.badRequest(path, "expected " + expected + ", got " + Json.shown(got));
    }

    String path(String name) {
        return prefix + name;
    }

    /** The value as it is; null if absent. */
    Object value(String name) {
        read.add(name);
        return map.get(name);
    }

    boolean has(String name) {
        return map.get(name) != null;
    }

    /** Null if absent. */
    String text(String name) throws ApiError {
        return switch (value(name)) {
            case null -> null;
            case String text -> text;
            case Object other -> throw wrong(path(name), "a string", other);
        };
    }

    String requiredText(String name) throws ApiError {
        String text = text(name);
        if (text == null) {
            throw ApiError.badRequest(path(name), "is missing");
        }
        return text;
    }

    boolean flag(String name, boolean absent) throws ApiError {
        return switch (value(name)) {
            case null -> absent;
            case Boolean flag -> flag;
            case Object other -> throw wrong(path(name), "true or false", other);
        };
    }

    /** Null if absent. */
    Integer whole(String name, int min, int max) throws ApiError {
        Object value = value(name);
        return value == null ? null : whole(path(name), value, min, max);
    }

    static int whole(String path, Object value, int min, int max) throws ApiError {
        String expected = max == Integer.MAX_VALUE
                ? "a whole number of at least " + min
                : "a whole number from " + min + " to " + max;
        if (!(value instanceof Integer || value instanceof Long)) {
            throw wrong(path, expected, value);
        }
        long number = ((Number) value).longValue();
        if (number < min || number > max) {
            throw wrong(path, expected, value);
        }
        return (int) number;
    }

    /** Null if absent; what is beyond 64 bits keeps the lower ones. */
    Long seed(String name) throws ApiError {
        return switch (value(name)) {
            case null -> null;
            case Integer seed -> seed.longValue();
            case Long seed -> seed;
            case BigInteger seed -> seed.longValue();
            case Object other -> throw wrong(path(name), "a whole number", other);
        };
    }

    /** Null if absent. */
    Float number(String name, double min, double max) throws ApiError {
        Object value = value(name);
        return value == null ? null : number(path(name), value, min, max);
    }

    static float number(String path, Object value, double min, double max) throws ApiError {
        String expected = "a number from " + shown(min) + " to " + shown(max);
        if (!(value instanceof Number number)) {
            throw wrong(path, expected, value);
        }
        double real = number.doubleValue();
        if (!(real >= min && real <= max)) {
            throw wrong(path, expected, value);
        }
        return (float) real;
    }

    private static String shown(double value) {
        return value == Math.rint(value) ? String.valueOf((long) value) : String.valueOf(value);
    }

    /** Null if absent. */
    List<?> list(String name) throws ApiError {
        return switch (value(name)) {
            case null -> null;
            case List<?> list -> list;
            case Object other -> throw wrong(path(name), "an array", other);
        };
    }

    /** Null if absent. */
    Fields object(String name) throws ApiError {
        Object value = value(name);
        return value == null ? null : of(path(name), value);
    }

    Map<?, ?> map() {
        return map;
    }

    /** Lets fields pass that change nothing in an answer. */
    void ignore(Set<String> names) {
        read.addAll(names);
    }

    /** Refuses a field unless it has the one value that says what is done anyway, or says nothing: null, {@code []}. */
    void accept(String name, Object harmless) throws ApiError {
        Object value = value(name);
        if (value != null && !value.equals(harmless) && !value.equals(List.of())) {
            throw ApiError.badRequest(path(name), "is not supported");
        }
    }

    void refuseOthers() throws ApiError {
        for (Map.Entry<?, ?> field : map.entrySet()) {
            String name = String.valueOf(field.getKey());
            if (field.getValue() != null && !read.contains(name)) {
                throw ApiError.badRequest(path(name.length() > 64 ? name.substring(0, 64) : name), "is not supported");
            }
        }
    }
}
