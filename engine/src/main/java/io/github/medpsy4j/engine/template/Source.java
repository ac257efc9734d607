package io.github.medpsy4j.engine.template;

/** A template's name and text, newlines normalised, and errors that point into it. */
record Source(String name, String text) {
    static Source of(String name, String text) {
        String normal = text.replace("\r\n", "\n").replace('\r', '\n');
        return new Source(name, normal.endsWith("\n") ? normal.substring(0, normal.length() - 1) : normal);
    }

    /** The line of an offset, from 1. */
    int line(int at) {
        return 1 + (int) text.chars().limit(at).filter(c -> c == '\n').count();
    }

    TemplateException error(int at, String what) {
        int offset = Math.min(at, text.length());
        int line = 1;
        int lineStart = 0;
        for (int i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) {
            line++;
            lineStart = i + 1;
        }
        return new TemplateException(name, line, offset - lineStart + 1, what);
    }
}
