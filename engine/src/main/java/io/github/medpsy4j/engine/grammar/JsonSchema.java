package io.github.medpsy4j.engine.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * From a JSON Schema to rules. What a keyword asks for is kept to, or the keyword is refused with its path; where the
 * rules match less than the schema accepts (see {@link Grammar#ofJsonSchema}), what they match is still valid.
 */
final class JsonSchema {
    static final String ROOT = "#";

    private static final int COUNT_MAX = 10_000;
    private static final int DEPTH_MAX = 100;
    private static final BigDecimal BOUND_MAX = BigDecimal.TEN.pow(30);

    /** What says nothing about values. {@code format} is not among them: it is kept to. */
    private static final Set<String> ANNOTATIONS = Set.of(
            "title",
            "description",
            "default",
            "examples",
            "deprecated",
            "readOnly",
            "writeOnly",
            "$schema",
            "$id",
            "$comment",
            "$defs",
            "definitions");

    /** Stands for {@code "const": null} while maps are merged, which know no null. */
    private static final Object NULL_VALUE = new Object();

    /** The types of JSON; {@code integer} is a number without a fraction. */
    private enum Type {
        OBJECT,
        ARRAY,
        STRING,
        NUMBER,
        INTEGER,
        BOOLEAN,
        NULL;

        /** What is said of values of this type. */
        Set<String> keywords() {
            return switch (this) {
                case OBJECT -> Set.of("properties", "required", "additionalProperties");
                case ARRAY -> Set.of("items", "prefixItems", "minItems", "maxItems", "uniqueItems");
                case STRING -> Set.of("minLength", "maxLength", "pattern", "format");
                case NUMBER, INTEGER -> Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
                case BOOLEAN, NULL -> Set.of();
            };
        }

        static Type of(String path, Object name) {
            return Arrays.stream(values())
                    .filter(type -> name instanceof String text
                            && text.equals(type.name().toLowerCase(Locale.ROOT)))
                    .findFirst()
                    .orElseThrow(() -> new GrammarException(path + ": expected object, array, string, number, "
                            + "integer, boolean or null, got " + JsonText.write(name)));
        }

        boolean fits(Object value) {
            return switch (this) {
                case OBJECT -> value instanceof Map;
                case ARRAY -> value instanceof List;
                case STRING -> value instanceof String;
                case NUMBER -> value instanceof BigDecimal;
                case INTEGER -> value instanceof BigDecimal number && isWhole(number);
                case BOOLEAN -> value instanceof Boolean;
                case NULL -> value == null;
            };
        }

        private static boolean isWhole(BigDecimal number) {
            return number.signum() == 0 || number.stripTrailingZeros().scale() <= 0;
        }
    }

    private final Object document;
    private final Map<String, Expr> rules = new LinkedHashMap<>(JsonText.rules());
    private final Deque<String> references = new ArrayDeque<>(); // pointers whose rules are yet to be made
    private final Set<String> referred = new HashSet<>();

    private JsonSchema(Object document) {
        this.document = document;
    }

    /** The rules of a schema, {@link #ROOT} among them. */
    static Map<String, Expr> rules(Object schema) {
        JsonSchema s = new JsonSchema(plain(schema, 0));
        s.refer(ROOT);
        while (!s.references.isEmpty()) {
            String pointer = s.references.poll();
            Object target = s.resolve(ROOT, pointer);
            boolean isAnyObject = pointer.equals(ROOT) && target instanceof Map<?, ?> map && isUnconstrained(map);
            s.rules.put(pointer, isAnyObject ? JsonText.OBJECT : s.expr(pointer, target, 0));
        }
        return s.rules;
    }

    /** What other JSON libraries read, as {@link JsonReader} would have read it. */
    private static Object plain(Object value, int depth) {
        if (depth > 2 * DEPTH_MAX) {
            throw new GrammarException("the schema nests deeper than " + 2 * DEPTH_MAX);
        }
        return switch (value) {
            case Map<?, ?> map -> {
                Map<String, Object> copy = new LinkedHashMap<>();
                map.forEach((key, each) -> copy.put((String) key, plain(each, depth + 1)));
                yield copy;
            }
            case List<?> list -> {
                List<Object> copy = new ArrayList<>();
                list.forEach(each -> copy.add(plain(each, depth + 1)));
                yield copy;
            }
            case BigDecimal number -> number;
            case Number number -> new BigDecimal(number.toString());
            case null -> null;
            case String text -> text;
            case Boolean truth -> truth;
            default ->
                throw new GrammarException("the schema holds a "
                        + value.getClass().getName() + "; expected maps, lists, strings, numbers, booleans and null");
        };
    }

    private Expr refer(String pointer) {
        if (referred.add(pointer)) {
            references.add(pointer);
        }
        return new Expr.Ref(pointer);
    }

    private static boolean isUnconstrained(Map<?, ?> schema) {
        return ANNOTATIONS.containsAll(schema.keySet());
    }

    private Expr expr(String path, Object schema, int depth) {
        if (depth > DEPTH_MAX) {
            throw new GrammarException(path + ": schemas nest deeper than " + DEPTH_MAX);
        }
        if (schema instanceof Boolean truth) {
            if (!truth) {
                throw new GrammarException(path + ": false accepts nothing");
            }
            return JsonText.ANY;
        }
        Map<String, Object> map = object(path, schema);
        Set<String> constraints = new LinkedHashSet<>(map.keySet());
        constraints.removeAll(ANNOTATIONS);
        if (constraints.isEmpty()) {
            return JsonText.ANY;
        }
        if (map.containsKey("$ref")) {
            refuseBeside(path, "$ref", constraints, Set.of("$ref"));
            String pointer = string(path + "/$ref", map.get("$ref"));
            resolve(path + "/$ref", pointer);
            return refer(pointer);
        }
        if (map.containsKey("allOf")) {
            return expr(path, merged(path, map, depth), depth + 1);
        }
        for (String either : List.of("anyOf", "oneOf")) {
            if (map.containsKey(either)) {
                refuseBeside(path, either, constraints, Set.of(either));
                return choices(path + "/" + either, map.get(either), either.equals("oneOf"), depth);
            }
        }
        if (map.containsKey("const") || map.containsKey("enum")) {
            return values(path, map, constraints);
        }
        for (String keyword : constraints) {
            boolean isKnown = keyword.equals("type")
                    || Arrays.stream(Type.values())
                            .anyMatch(type -> type.keywords().contains(keyword));
            if (!isKnown) {
                throw unsupported(path, keyword);
            }
        }
        List<Expr> choices = new ArrayList<>();
        for (Type type : types(path, map)) {
            choices.add(ofType(path, type, map, depth));
        }
        return Expr.alt(choices);
    }

    /** The types that {@code type} names, or else those that the keywords are about. */
    private Set<Type> types(String path, Map<String, Object> map) {
        Set<Type> types = EnumSet.noneOf(Type.class);
        Object named = map.get("type");
        if (named instanceof List<?> list) {
            for (int i = 0; i < list.size(); i++) {
                types.add(Type.of(path + "/type/" + i, list.get(i)));
            }
            if (list.isEmpty()) {
                throw new GrammarException(path + "/type: expected at least one type");
            }
        } else if (map.containsKey("type")) {
            types.add(Type.of(path + "/type", named));
        } else {
            for (Type type : Type.values()) {
                if (type != Type.INTEGER && type.keywords().stream().anyMatch(map::containsKey)) {
                    types.add(type);
                }
            }
        }
        if (types.contains(Type.NUMBER)) {
            types.remove(Type.INTEGER);
        }
        return types;
    }

    private Expr ofType(String path, Type type, Map<String, Object> map, int depth) {
        return switch (type) {
            case OBJECT -> members(path, map, depth);
            case ARRAY -> elements(path, map, depth);
            case STRING -> characters(path, map);
            case NUMBER -> {
                for (String keyword : Type.NUMBER.keywords()) {
                    if (map.containsKey(keyword)) {
                        throw new GrammarException(path + "/" + keyword + ": is supported for integers only");
                    }
                }
                yield JsonText.NUMBER;
            }
            case INTEGER -> integer(path, map);
            case BOOLEAN -> JsonText.BOOLEAN;
            case NULL -> JsonText.NULL;
        };
    }

    private Expr members(String path, Map<String, Object> map, int depth) {
        Map<String, Object> properties =
                map.containsKey("properties") ? object(path + "/properties", map.get("properties")) : Map.of();
        Set<String> required = new LinkedHashSet<>();
        if (map.containsKey("required")) {
            List<?> names = list(path + "/required", map.get("required"));
            for (int i = 0; i < names.size(); i++) {
                required.add(string(path + "/required/" + i, names.get(i)));
            }
        }
        // Without the keyword others are accepted, but nobody asks for them, unless nothing at all is declared.
        Object others = map.getOrDefault("additionalProperties", properties.isEmpty() && required.isEmpty());
        boolean hasOthers = !Boolean.FALSE.equals(others);
        List<String> names = new ArrayList<>();
        List<Expr> members = new ArrayList<>();
        properties.forEach((name, schema) -> {
            if (Boolean.FALSE.equals(schema)) {
                if (required.contains(name)) {
                    throw new GrammarException(path + "/required: \"" + name + "\" may not be there");
                }
                return;
            }
            names.add(name);
            members.add(JsonText.member(
                    Expr.text(JsonText.write(name)), expr(path + "/properties/" + escaped(name), schema, depth + 1)));
        });
        for (String name : required) {
            if (!properties.containsKey(name)) {
                if (map.containsKey("additionalProperties") && !hasOthers) {
                    throw new GrammarException(path + "/required: \"" + name + "\" is not among the properties");
                }
                names.add(name);
                Expr value = map.containsKey("additionalProperties")
                        ? expr(path + "/additionalProperties", others, depth + 1)
                        : JsonText.ANY;
                members.add(JsonText.member(Expr.text(JsonText.write(name)), value));
            }
        }
        Expr further = null;
        if (hasOthers) {
            Set<String> declared = new LinkedHashSet<>(properties.keySet());
            declared.addAll(required);
            Expr name =
                    declared.isEmpty() ? JsonText.STRING : JsonText.stringOtherThan(List.copyOf(declared), path, rules);
            further = JsonText.member(name, expr(path + "/additionalProperties", others, depth + 1));
        }
        return JsonText.object(members, names.stream().map(required::contains).toList(), further, path, rules);
    }

    private Expr elements(String path, Map<String, Object> map, int depth) {
        if (map.containsKey("uniqueItems") && !Boolean.FALSE.equals(map.get("uniqueItems"))) {
            throw unsupported(path, "uniqueItems");
        }
        if (map.get("items") instanceof List) {
            throw new GrammarException(path + "/items: expected a schema, got a list (prefixItems holds one)");
        }
        List<Expr> first = new ArrayList<>();
        if (map.containsKey("prefixItems")) {
            List<?> schemas = list(path + "/prefixItems", map.get("prefixItems"));
            for (int i = 0; i < schemas.size(); i++) {
                first.add(expr(path + "/prefixItems/" + i, schemas.get(i), depth + 1));
            }
        }
        Object items = map.getOrDefault("items", true);
        int min = count(path, map, "minItems", 0);
        int max = count(path, map, "maxItems", -1);
        boolean hasRest = !Boolean.FALSE.equals(items);
        if ((max >= 0 && min > max) || (!hasRest && min > first.size())) {
            throw new GrammarException(path + "/minItems: expected at most "
                    + (hasRest ? max : Math.min(first.size(), max < 0 ? first.size() : max)) + ", got " + min);
        }
        Expr rest = hasRest ? expr(path + "/items", items, depth + 1) : null;
        return JsonText.array(first, rest, min, max, path, rules);
    }

    private static Expr characters(String path, Map<String, Object> map) {
        int min = count(path, map, "minLength", 0);
        int max = count(path, map, "maxLength", -1);
        if (max >= 0 && min > max) {
            throw new GrammarException(path + "/minLength: expected at most " + max + ", got " + min);
        }
        List<String> ways = new ArrayList<>();
        for (String keyword : List.of("pattern", "format", "minLength", "maxLength")) {
            if (map.containsKey(keyword)) {
                ways.add(keyword);
            }
        }
        boolean isShaped = map.containsKey("pattern") || map.containsKey("format");
        if (isShaped && ways.size() > 1) {
            throw new GrammarException(path + "/" + ways.get(1) + ": is not supported beside " + ways.getFirst());
        }
        if (map.containsKey("pattern")) {
            String where = path + "/pattern";
            return JsonText.quoted(PatternParser.parse(where, string(where, map.get("pattern"))));
        }
        if (map.containsKey("format")) {
            String where = path + "/format";
            return JsonText.quoted(Formats.of(where, string(where, map.get("format"))));
        }
        return min == 0 && max < 0 ? JsonText.STRING : JsonText.string(min, max);
    }

    /** Formats of integers are OpenAPI's, as generators of schemas write them for Java's types. */
    private static Expr integer(String path, Map<String, Object> map) {
        int bits = "int32".equals(map.get("format")) ? 32 : "int64".equals(map.get("format")) ? 64 : 0;
        BigInteger beyond = BigInteger.TWO.pow(Math.max(0, bits - 1));
        BigInteger min = bits == 0 ? null : beyond.negate();
        BigInteger max = bits == 0 ? null : beyond.subtract(BigInteger.ONE);
        for (String keyword : List.of("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")) {
            if (!map.containsKey(keyword)) {
                continue;
            }
            if (!(map.get(keyword) instanceof BigDecimal bound) || bound.abs().compareTo(BOUND_MAX) > 0) {
                throw new GrammarException(path + "/" + keyword + ": expected a number of at most 30 digits, got "
                        + JsonText.write(map.get(keyword)));
            }
            switch (keyword) {
                case "minimum" -> min = larger(min, bound.setScale(0, RoundingMode.CEILING));
                case "exclusiveMinimum" ->
                    min = larger(min, bound.setScale(0, RoundingMode.FLOOR).add(BigDecimal.ONE));
                case "maximum" -> max = smaller(max, bound.setScale(0, RoundingMode.FLOOR));
                default ->
                    max = smaller(max, bound.setScale(0, RoundingMode.CEILING).subtract(BigDecimal.ONE));
            }
        }
        if (min != null && max != null && min.compareTo(max) > 0) {
            throw new GrammarException(path + ": no integer is at least " + min + " and at most " + max);
        }
        return min == null && max == null ? JsonText.INTEGER : JsonText.integers(min, max);
    }

    private static BigInteger larger(BigInteger a, BigDecimal b) {
        return a == null ? b.toBigInteger() : a.max(b.toBigInteger());
    }

    private static BigInteger smaller(BigInteger a, BigDecimal b) {
        return a == null ? b.toBigInteger() : a.min(b.toBigInteger());
    }

    /** {@code const} and {@code enum}: the values that are of the type. */
    private Expr values(String path, Map<String, Object> map, Set<String> constraints) {
        String keyword = map.containsKey("const") ? "const" : "enum";
        refuseBeside(path, keyword, constraints, Set.of("const", "enum", "type"));
        List<Object> values = finite(path, map);
        if (values.isEmpty()) {
            throw new GrammarException(path + "/" + keyword + ": no value is of the type, or there is none");
        }
        List<Expr> choices = new ArrayList<>();
        for (Object value : values) {
            choices.add(Expr.text(JsonText.write(value)));
        }
        return Expr.alt(choices);
    }

    private List<Object> finite(String path, Map<String, Object> map) {
        List<Object> values = new ArrayList<>(
                map.containsKey("enum")
                        ? list(path + "/enum", map.get("enum"))
                        : Collections.singletonList(map.get("const")));
        if (map.containsKey("const")) {
            values.removeIf(value -> !same(value, map.get("const")));
        }
        if (map.containsKey("type")) {
            Set<Type> types = types(path, map);
            values.removeIf(value -> types.stream().noneMatch(type -> type.fits(value)));
        }
        return values;
    }

    private static boolean same(Object a, Object b) {
        if (a instanceof BigDecimal x && b instanceof BigDecimal y) {
            return x.compareTo(y) == 0;
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            boolean same = x.size() == y.size();
            for (int i = 0; same && i < x.size(); i++) {
                same = same(x.get(i), y.get(i));
            }
            return same;
        }
        if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            return x.keySet().equals(y.keySet()) && x.keySet().stream().allMatch(key -> same(x.get(key), y.get(key)));
        }
        return Objects.equals(a, b);
    }

    private Expr choices(String path, Object schemas, boolean exactlyOne, int depth) {
        List<?> list = list(path, schemas);
        if (list.isEmpty()) {
            throw new GrammarException(path + ": expected at least one schema");
        }
        List<Expr> choices = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            choices.add(expr(path + "/" + i, list.get(i), depth + 1));
            for (int j = 0; exactlyOne && j < i; j++) {
                if (!areApart(path + "/" + j, list.get(j), path + "/" + i, list.get(i))) {
                    throw new GrammarException(path + ": a value may match both " + j + " and " + i
                            + "; expected schemas that differ in type, or in a required property's const or enum "
                            + "(anyOf allows both)");
                }
            }
        }
        return Expr.alt(choices);
    }

    /** Whether it is plain that no value matches both schemas. */
    private boolean areApart(String pathA, Object schemaA, String pathB, Object schemaB) {
        Map<String, Object> a = dereferenced(pathA, schemaA);
        Map<String, Object> b = dereferenced(pathB, schemaB);
        if (isFinite(a) && isFinite(b)) {
            List<Object> others = finite(pathB, b);
            return finite(pathA, a).stream().noneMatch(value -> others.stream().anyMatch(other -> same(value, other)));
        }
        Set<Type> typesA = declaredTypes(pathA, a);
        Set<Type> typesB = declaredTypes(pathB, b);
        if (typesA.stream().noneMatch(typesB::contains)) {
            return true;
        }
        boolean areObjects = typesA.equals(Set.of(Type.OBJECT)) && typesB.equals(Set.of(Type.OBJECT));
        if (areObjects
                && a.get("properties") instanceof Map<?, ?> membersA
                && b.get("properties") instanceof Map<?, ?> membersB
                && a.get("required") instanceof List<?> requiredA
                && b.get("required") instanceof List<?> requiredB) {
            for (Object name : requiredA) {
                if (requiredB.contains(name) && membersA.containsKey(name) && membersB.containsKey(name)) {
                    Map<String, Object> x = dereferenced(pathA, membersA.get(name));
                    Map<String, Object> y = dereferenced(pathB, membersB.get(name));
                    if (isFinite(x) && isFinite(y) && areApart(pathA, x, pathB, y)) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private static boolean isFinite(Map<String, Object> schema) {
        return schema.containsKey("const") || schema.containsKey("enum");
    }

    /** The types that a schema names, an integer being a number; all of them if it names none. */
    private Set<Type> declaredTypes(String path, Map<String, Object> schema) {
        Set<Type> types = EnumSet.noneOf(Type.class);
        if (isFinite(schema)) {
            for (Object value : finite(path, schema)) {
                Arrays.stream(Type.values()).filter(type -> type.fits(value)).forEach(types::add);
            }
        } else if (schema.containsKey("type")) {
            types.addAll(types(path, schema));
        } else {
            types.addAll(EnumSet.allOf(Type.class));
        }
        if (types.remove(Type.INTEGER)) {
            types.add(Type.NUMBER);
        }
        return types;
    }

    /** A schema, through its {@code $ref}; an unconstrained one stands for true. */
    private Map<String, Object> dereferenced(String path, Object schema) {
        Object at = schema;
        for (int i = 0; i < DEPTH_MAX; i++) {
            if (!(at instanceof Map<?, ?> map)) {
                return Map.of();
            }
            if (!(map.get("$ref") instanceof String pointer)) {
                return object(path, at);
            }
            at = resolve(path + "/$ref", pointer);
        }
        throw new GrammarException(path + "/$ref: refers to itself");
    }

    /** One schema for {@code allOf} and what stands beside it, where their keywords can be put together. */
    private Map<String, Object> merged(String path, Map<String, Object> map, int depth) {
        if (depth > DEPTH_MAX) {
            throw new GrammarException(path + ": schemas nest deeper than " + DEPTH_MAX);
        }
        Map<String, Object> beside = new LinkedHashMap<>(map);
        beside.remove("allOf");
        List<Map<String, Object>> parts = new ArrayList<>();
        parts.add(beside);
        List<?> schemas = list(path + "/allOf", map.get("allOf"));
        for (int i = 0; i < schemas.size(); i++) {
            String where = path + "/allOf/" + i;
            Map<String, Object> part = dereferenced(where, schemas.get(i));
            if (Boolean.FALSE.equals(schemas.get(i))) {
                throw new GrammarException(where + ": false accepts nothing");
            }
            parts.add(part.containsKey("allOf") ? merged(where, part, depth + 1) : part);
        }
        for (Map<String, Object> closed : parts) {
            boolean isOpen = Boolean.TRUE.equals(closed.getOrDefault("additionalProperties", true));
            for (Map<String, Object> other : parts) {
                if (!isOpen && !memberNames(closed).containsAll(memberNames(other))) {
                    throw new GrammarException(
                            path + "/allOf: additionalProperties of one schema is about the properties of another");
                }
            }
        }
        Map<String, Object> all = new LinkedHashMap<>();
        for (Map<String, Object> part : parts) {
            part.forEach((keyword, value) -> {
                if (!ANNOTATIONS.contains(keyword)) {
                    all.merge(keyword, nullable(value), (a, b) -> both(path, keyword, a, b));
                }
            });
        }
        all.replaceAll((keyword, value) -> value == NULL_VALUE ? null : value);
        return all;
    }

    private static Object nullable(Object value) {
        return value == null ? NULL_VALUE : value;
    }

    private static Collection<?> memberNames(Map<String, Object> schema) {
        Set<Object> names = new HashSet<>();
        if (schema.get("properties") instanceof Map<?, ?> properties) {
            names.addAll(properties.keySet());
        }
        if (schema.get("required") instanceof List<?> required) {
            names.addAll(required);
        }
        return names;
    }

    /** What two values of a keyword ask for together. */
    private static Object both(String path, String keyword, Object a, Object b) {
        if (same(a, b)) {
            return a;
        }
        if (keyword.equals("required") && a instanceof List<?> x && b instanceof List<?> y) {
            Set<Object> names = new LinkedHashSet<>(x);
            names.addAll(y);
            return List.copyOf(names);
        }
        if (keyword.equals("properties") && a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            Map<Object, Object> properties = new LinkedHashMap<>(x);
            y.forEach((name, schema) -> properties.merge(
                    name, schema, (one, two) -> same(one, two) ? one : Map.of("allOf", List.of(one, two))));
            return properties;
        }
        boolean isLower =
                Set.of("minimum", "exclusiveMinimum", "minLength", "minItems").contains(keyword);
        boolean isUpper =
                Set.of("maximum", "exclusiveMaximum", "maxLength", "maxItems").contains(keyword);
        if ((isLower || isUpper) && a instanceof BigDecimal x && b instanceof BigDecimal y) {
            return isLower ? x.max(y) : x.min(y);
        }
        throw new GrammarException(path + "/allOf: two values of " + keyword + " cannot be put together");
    }

    private Object resolve(String path, String pointer) {
        if (!pointer.equals("#") && !pointer.startsWith("#/")) {
            throw new GrammarException(
                    path + ": expected a pointer into this schema (#/$defs/name), got \"" + pointer + "\"");
        }
        Object at = document;
        String[] names = pointer.split("/", -1);
        for (int i = 1; i < names.length; i++) {
            String name = unescaped(names[i]);
            Optional<Object> next = switch (at) {
                case Map<?, ?> map -> Optional.ofNullable(map.get(name));
                case List<?> list
                when name.matches("\\d{1,6}") && Integer.parseInt(name) < list.size() ->
                    Optional.ofNullable(list.get(Integer.parseInt(name)));
                case null, default -> Optional.empty();
            };
            at = next.orElseThrow(() -> new GrammarException(path + ": there is nothing at \"" + pointer + "\""));
        }
        return at;
    }

    private static String escaped(String name) {
        return name.replace("~", "~0").replace("/", "~1");
    }

    private static String unescaped(String name) {
        String decoded = name;
        if (name.contains("%")) {
            StringBuilder bytes = new StringBuilder();
            byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < utf8.length; i++) {
                boolean isEscape = utf8[i] == '%'
                        && i + 2 < utf8.length
                        && Character.digit(utf8[i + 1], 16) >= 0
                        && Character.digit(utf8[i + 2], 16) >= 0;
                int b = isEscape ? Character.digit(utf8[i + 1], 16) * 16 + Character.digit(utf8[i + 2], 16) : utf8[i];
                bytes.append((char) (b & 0xFF));
                i += isEscape ? 2 : 0;
            }
            decoded = new String(bytes.toString().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
        }
        return decoded.replace("~1", "/").replace("~0", "~");
    }

    private static void refuseBeside(String path, String keyword, Set<String> constraints, Set<String> allowed) {
        for (String other : constraints) {
            if (!allowed.contains(other)) {
                throw new GrammarException(path + "/" + other + ": is not supported beside " + keyword);
            }
        }
    }

    private static GrammarException unsupported(String path, String keyword) {
        return new GrammarException(path + "/" + keyword + ": is not supported");
    }

    private static int count(String path, Map<String, Object> map, String keyword, int otherwise) {
        if (!map.containsKey(keyword)) {
            return otherwise;
        }
        if (!(map.get(keyword) instanceof BigDecimal number)
                || !Type.INTEGER.fits(number)
                || number.signum() < 0
                || number.compareTo(BigDecimal.valueOf(COUNT_MAX)) > 0) {
            throw new GrammarException(path + "/" + keyword + ": expected a whole number from 0 to " + COUNT_MAX
                    + ", got " + JsonText.write(map.get(keyword)));
        }
        return number.intValue();
    }

    private static String string(String path, Object value) {
        if (value instanceof String text) {
            return text;
        }
        throw new GrammarException(path + ": expected a string, got " + JsonText.write(value));
    }

    private static List<?> list(String path, Object value) {
        if (value instanceof List<?> list) {
            return list;
        }
        throw new GrammarException(path + ": expected a list, got " + JsonText.write(value));
    }

    private static Map<String, Object> object(String path, Object value) {
        if (value instanceof Map<?, ?> map) {
            Map<String, Object> copy = new LinkedHashMap<>();
            map.forEach((key, each) -> copy.put((String) key, each));
            return copy;
        }
        throw new GrammarException(path + ": expected a schema, got " + JsonText.write(value));
    }
}
