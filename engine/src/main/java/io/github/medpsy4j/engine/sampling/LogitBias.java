package io.github.medpsy4j.engine.sampling;

import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What is added to the logit of a token, or to those of all tokens of a text.
 *
 * @param token the token's id, or -1 for a text
 * @param text the text, as the tokenizer divides it; empty for a token
 * @param bias added to the logits; negative infinity bans
 */
public record LogitBias(int token, String text, float bias) {
    // Digits without an exponent, so that the sign that ends the token or text is never in doubt.
    private static final Pattern FORM = Pattern.compile("(.+?)([+-](?:\\d+(?:\\.\\d+)?|\\.\\d+|inf))", Pattern.DOTALL);

    /** Refuses NaN and positive infinity, and anything but either a token or a text. */
    public LogitBias {
        Objects.requireNonNull(text);
        if (token < -1 || (token == -1) == text.isEmpty()) {
            throw new IllegalArgumentException(
                    "logit-bias: expected either a token id or a text, got " + token + " and '" + text + "'");
        }
        if (!(bias < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("logit-bias: expected a number or -inf, got " + bias);
        }
    }

    /** A bias of the token with this id. */
    public static LogitBias ofToken(int id, float bias) {
        return new LogitBias(id, "", bias);
    }

    /** A bias of all tokens of a text. */
    public static LogitBias ofText(String text, float bias) {
        return new LogitBias(-1, text, bias);
    }

    /**
     * Reads {@code 15043+1}, {@code 15043-inf}, {@code hello-2.5} or {@code "15043"-1}: a token's id or a text, which
     * quotes may enclose, and the bias with its sign.
     *
     * @throws IllegalArgumentException if it is nothing of that kind
     */
    public static LogitBias parse(String value) {
        Matcher form = FORM.matcher(value);
        if (!form.matches()) {
            throw new IllegalArgumentException(
                    "logit-bias: expected a token id or text, and a bias with its sign (15043-1), got '" + value + "'");
        }
        String what = form.group(1);
        String number = form.group(2);
        float bias = number.endsWith("inf")
                ? (number.startsWith("-") ? Float.NEGATIVE_INFINITY : Float.POSITIVE_INFINITY)
                : Float.parseFloat(number);
        if (what.matches("\\d{1,9}")) {
            return ofToken(Integer.parseInt(what), bias);
        }
        boolean quoted = what.length() > 2 && what.startsWith("\"") && what.endsWith("\"");
        return ofText(quoted ? what.substring(1, what.length() - 1) : what, bias);
    }

    /** The form that {@link #parse} reads. */
    @Override
    public String toString() {
        String number = bias == Float.NEGATIVE_INFINITY ? "-inf" : SamplingOptions.shown(bias);
        String what = token >= 0 ? String.valueOf(token) : "\"" + text + "\"";
        return what + (number.startsWith("-") ? "" : "+") + number;
    }
}
