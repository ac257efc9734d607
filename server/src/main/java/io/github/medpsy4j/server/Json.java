package io.github.medpsy4j.server;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** JSON in and out. */
final class Json {
    private static final JSON MAPPER = JSON.std.with(JSON.Feature.WRITE_NULL_PROPERTIES);

    private Json() {}

    static byte[] bytes(Object value) {
        try {
            return MAPPER.asString(value).getBytes(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // nothing is written to that could fail
        }
    }

    /** Reads a request's body, which must be one object. */
    static Map<?, ?> object(byte[] body) throws ApiError {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
        } catch (CharacterCodingException e) {
            throw ApiError.badRequest(null, "body: expected UTF-8");
        }
        if (text.isBlank()) {
            throw ApiError.badRequest(null, "body: expected a JSON object, got nothing");
        }
        try (JsonParser parser = MAPPER.createParser(text)) {
            Object value = MAPPER.anyFrom(parser);
            if (parser.nextToken() != null) {
                throw ApiError.badRequest(null, "body: expected one JSON object, got something behind it");
            }
            if (value instanceof Map<?, ?> map) {
                return map;
            }
            throw ApiError.badRequest(null, "body: expected a JSON object, got " + kindOf(value));
        } catch (JsonProcessingException e) {
            String place = e.getLocation() == null
                    ? ""
                    : " at line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr();
            throw ApiError.badRequest(null, "body: not JSON" + place);
        } catch (IOException e) {
            throw ApiError.badRequest(null, "body: not JSON");
        }
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

    /** A parsed value for a message: a number as it is, anything else by its kind, as texts are nobody's business. */
    static String shown(Object value) {
        return value instanceof Number ? value.toString() : kindOf(value);
    }
}
