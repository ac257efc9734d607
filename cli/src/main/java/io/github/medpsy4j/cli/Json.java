package io.github.medpsy4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.jr.ob.JSON;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;

/** JSON in and out. Apart from the rest so that commands without JSON never load its library. */
final class Json {
    private static final JSON MAPPER = JSON.std.with(JSON.Feature.WRITE_NULL_PROPERTIES);

    private Json() {}

    /** Writes maps, lists and values as one line. */
    static void print(Terminal terminal, Object value) throws IOException {
        OutputStream open = new FilterOutputStream(terminal.out()) {
            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                out.write(bytes, offset, length);
            }

            @Override
            public void close() {} // the writer closes what it wrote to
        };
        MAPPER.write(value, open);
        terminal.print("\n");
    }

    /** Maps, lists and values as one line. */
    static String text(Object value) throws IOException {
        return MAPPER.asString(value);
    }

    /** Maps, lists and values as lines for people, with an end. */
    static String pretty(Object value) throws IOException {
        return MAPPER.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(value) + "\n";
    }

    /** What a parsed value is, in JSON's words. */
    static String kindOf(Object value) {
        return switch (value) {
            case null -> "null";
            case Map<?, ?> map -> "an object";
            case List<?> list -> "an array";
            case String text -> "a string";
            case Boolean truth -> "a boolean";
            default -> "a number";
        };
    }

    /** A parsed value for a message: a number as it is, anything else by its kind. */
    static String shown(Object value) {
        return value instanceof Number ? value.toString() : kindOf(value);
    }

    /** Reads a text as maps, lists and values; a failure names the source and the place. */
    static Object parse(String source, String text) throws Failure {
        try {
            if (text.isBlank()) {
                throw new Failure(source + ": expected JSON, got nothing");
            }
            return MAPPER.anyFrom(text);
        } catch (JsonProcessingException e) {
            String place = e.getLocation() == null
                    ? ""
                    : "line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr() + ": ";
            // Behind a parenthesis the library tells where its own buffers are.
            String what = e.getOriginalMessage().replaceAll("(?s)\\s*\\((start marker|for Object|from).*", "");
            throw new Failure(source + ": " + place + "not JSON: " + what, e);
        } catch (IOException e) {
            throw new Failure(source + ": not JSON: " + e.getMessage(), e);
        }
    }
}
