package io.github.medpsy4j.engine.grammar;

import java.math.BigDecimal;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;

/** Whether a JSON value is valid under a schema: a plain reading of JSON Schema 2020-12, as far as the tests use it. */
final class SchemaChecker {
    private final Object document;

    private SchemaChecker(Object document) {
        this.document = document;
    }

    static boolean isValid(Object schema, Object value) {
        return new SchemaChecker(schema).valid(schema, value);
    }

    private boolean valid(Object schema, Object value) {
        if (schema instanceof Boolean truth) {
            return truth;
        }
        Map<?, ?> map = (Map<?, ?>) schema;
        boolean valid = true;
        for (Object keyword : map.keySet()) {
            valid &= keeps(map, (String) keyword, map.get(keyword), value);
        }
        return valid;
    }

    private boolean keeps(Map<?, ?> schema, String keyword, Object argument, Object value) {
        return switch (keyword) {
            case "$ref" -> valid(resolve((String) argument), value);
            case "type" ->
                argument instanceof List<?> list
                        ? list.stream().anyMatch(type -> isOf((String) type, value))
                        : isOf((String) argument, value);
            case "enum" -> ((List<?>) argument).stream().anyMatch(each -> same(each, value));
            case "const" -> same(argument, value);
            case "anyOf" -> ((List<?>) argument).stream().anyMatch(each -> valid(each, value));
            case "oneOf" ->
                ((List<?>) argument).stream().filter(each -> valid(each, value)).count() == 1;
            case "allOf" -> ((List<?>) argument).stream().allMatch(each -> valid(each, value));
            case "properties", "required", "additionalProperties" ->
                !(value instanceof Map<?, ?> members) || ofObject(schema, keyword, argument, members);
            case "items", "prefixItems", "minItems", "maxItems" ->
                !(value instanceof List<?> elements) || ofArray(schema, keyword, argument, elements);
            case "minLength" ->
                !(value instanceof String s) || length(s) >= number(argument).intValue();
            case "maxLength" ->
                !(value instanceof String s) || length(s) <= number(argument).intValue();
            case "pattern" ->
                !(value instanceof String s)
                        || Pattern.compile((String) argument).matcher(s).find();
            case "format" -> !(value instanceof String s) || hasFormat((String) argument, s);
            case "minimum" -> !(value instanceof Number n) || number(n).compareTo(number(argument)) >= 0;
            case "maximum" -> !(value instanceof Number n) || number(n).compareTo(number(argument)) <= 0;
            case "exclusiveMinimum" -> !(value instanceof Number n) || number(n).compareTo(number(argument)) > 0;
            case "exclusiveMaximum" -> !(value instanceof Number n) || number(n).compareTo(number(argument)) < 0;
            case "title", "description", "default", "$defs", "definitions", "$schema" -> true;
            default -> throw new IllegalArgumentException("the checker does not know " + keyword);
        };
    }

    private boolean ofObject(Map<?, ?> schema, String keyword, Object argument, Map<?, ?> members) {
        Map<?, ?> properties = schema.get("properties") instanceof Map<?, ?> map ? map : Map.of();
        return switch (keyword) {
            case "required" -> members.keySet().containsAll((List<?>) argument);
            case "properties" ->
                members.entrySet().stream()
                        .allMatch(each -> !properties.containsKey(each.getKey())
                                || valid(properties.get(each.getKey()), each.getValue()));
            default ->
                members.entrySet().stream()
                        .allMatch(each -> properties.containsKey(each.getKey()) || valid(argument, each.getValue()));
        };
    }

    private boolean ofArray(Map<?, ?> schema, String keyword, Object argument, List<?> elements) {
        List<?> prefix = schema.get("prefixItems") instanceof List<?> list ? list : List.of();
        int common = Math.min(prefix.size(), elements.size());
        return switch (keyword) {
            case "minItems" -> elements.size() >= number(argument).intValue();
            case "maxItems" -> elements.size() <= number(argument).intValue();
            case "items" -> elements.stream().skip(common).allMatch(each -> valid(argument, each));
            default -> {
                boolean valid = true;
                for (int i = 0; i < common; i++) {
                    valid &= valid(prefix.get(i), elements.get(i));
                }
                yield valid;
            }
        };
    }

    private static boolean isOf(String type, Object value) {
        return switch (type) {
            case "object" -> value instanceof Map;
            case "array" -> value instanceof List;
            case "string" -> value instanceof String;
            case "boolean" -> value instanceof Boolean;
            case "null" -> value == null;
            case "number" -> value instanceof Number;
            case "integer" ->
                value instanceof Number n && number(n).remainder(BigDecimal.ONE).signum() == 0;
            default -> throw new IllegalArgumentException(type);
        };
    }

    private static boolean hasFormat(String format, String text) {
        try {
            switch (format) {
                case "date" -> LocalDate.parse(text);
                case "time" -> OffsetTime.parse(text);
                case "date-time" -> OffsetDateTime.parse(text);
                case "uuid" -> UUID.fromString(text);
                case "ipv4" -> {
                    for (String part : text.split("\\.", -1)) {
                        if (!part.matches("0|[1-9]\\d{0,2}") || Integer.parseInt(part) > 255) {
                            return false;
                        }
                    }
                    return text.split("\\.", -1).length == 4;
                }
                case "email" -> {
                    return text.matches("[^@\\s]+@[^@\\s]+") && !text.contains("..");
                }
                case "hostname" -> {
                    return text.length() < 254 && text.matches("(?!-)[a-z0-9.-]+") && !text.contains("..");
                }
                case "uri" -> {
                    return URI.create(text).isAbsolute();
                }
                default -> throw new IllegalStateException(format);
            }
            return true;
        } catch (DateTimeException | IllegalArgumentException e) {
            return false;
        }
    }

    private static boolean same(Object a, Object b) {
        if (a instanceof Number x && b instanceof Number y) {
            return number(x).compareTo(number(y)) == 0;
        }
        return String.valueOf(a).equals(String.valueOf(b)) && (a == null) == (b == null);
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    private static BigDecimal number(Object number) {
        return new BigDecimal(number.toString());
    }

    private Object resolve(String pointer) {
        Object at = document;
        for (String name :
                URLDecoder.decode(pointer.substring(1), StandardCharsets.UTF_8).split("/")) {
            if (!name.isEmpty()) {
                at = at instanceof List<?> list ? list.get(Integer.parseInt(name)) : ((Map<?, ?>) at).get(name);
            }
        }
        return at;
    }
}
