package io.github.medpsy4j.cli;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A whole number, or several joined by commas: {@code 128,512}. */
record Counts(List<Integer> values) {
    /** Whoever wants more than that has mistyped. */
    private static final int VALUES_MAX = 64;

    static Counts of(Integer... values) {
        return new Counts(List.of(values));
    }

    boolean isOne() {
        return values.size() == 1;
    }

    int first() {
        return values.getFirst();
    }

    int greatest() {
        return Collections.max(values);
    }

    /** The values that ask for something. */
    List<Integer> positive() {
        return values.stream().filter(value -> value > 0).toList();
    }

    /** Refuses values out of range, and the same twice. */
    void check(Ranges ranges, String option, int min, int max) {
        for (Integer value : values) {
            ranges.check(option, value, min, max);
        }
        if (values.stream().distinct().count() < values.size()) {
            throw ranges.failed(option, "each number once", this);
        }
    }

    @Override
    public String toString() {
        return values.stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    static final class Converter implements ITypeConverter<Counts> {
        @Override
        public Counts convert(String text) {
            try {
                List<Integer> values = Arrays.stream(text.split(",", -1))
                        .map(value -> Integer.valueOf(value.strip()))
                        .toList();
                if (values.size() > VALUES_MAX) {
                    throw new TypeConversionException(
                            "expected at most " + VALUES_MAX + " numbers, got " + values.size());
                }
                return new Counts(values);
            } catch (NumberFormatException e) {
                throw new TypeConversionException("expected whole numbers joined by commas, got " + text);
            }
        }
    }
}
