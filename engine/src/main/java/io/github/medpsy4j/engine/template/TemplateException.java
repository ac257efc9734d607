package io.github.medpsy4j.engine.template;

/**
 * A template that cannot be read or rendered: bad syntax, a construct or filter that is not supported, an operation that
 * Python would refuse, a limit passed, or the template's own {@code raise_exception}. The message is
 * {@code name:line:column: what}.
 */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String template;
    private final int line;
    private final int column;
    private final String what;

    TemplateException(String template, int line, int column, String what) {
        super(template + ":" + line + ":" + column + ": " + what);
        this.template = template;
        this.line = line;
        this.column = column;
        this.what = what;
    }

    /** The template's name as given to {@link ChatTemplate#parse}. */
    public String template() {
        return template;
    }

    /** The line of the construct that failed, from 1. */
    public int line() {
        return line;
    }

    /** Its column, from 1, in UTF-16 units. */
    public int column() {
        return column;
    }

    /** The message without its position; for {@code raise_exception} exactly what the template said. */
    public String what() {
        return what;
    }
}
