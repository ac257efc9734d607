package io.github.medpsy4j.engine.template;

import java.util.Arrays;

/** A template's name and text, newlines normalised, and errors that point into it. */
final class Source {
    private final String name;
    private final String text;

    /** The offset at which each line starts. */
    private final int[] lines;

    private Source(String name, String text) {
        this.name = name;
        this.text = text;
        int[] starts = new int[16];
        int count = 1;
        for (int i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) {
            if (count == starts.length) {
                starts = Arrays.copyOf(starts, count * 2);
            }
            starts[count++] = i + 1;
        }
        this.lines = Arrays.copyOf(starts, count);
    }

    static Source of(String name, String text) {
        String normal = text.replace("\r\n", "\n").replace('\r', '\n');
        return new Source(name, normal.endsWith("\n") ? normal.substring(0, normal.length() - 1) : normal);
    }

    String text() {
        return text;
    }

    /** The line of an offset, from 1. */
    int line(int at) {
        int found = Arrays.binarySearch(lines, at);
        return found >= 0 ? found + 1 : -found - 1;
    }

    TemplateException error(int at, String what) {
        int line = line(at);
        return new TemplateException(name, line, at - lines[line - 1] + 1, what);
    }
}
