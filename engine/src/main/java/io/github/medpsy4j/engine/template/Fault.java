package io.github.medpsy4j.engine.template;

/** An error that does not know its place yet: the node being evaluated turns it into a {@link TemplateException}. */
final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1;

    Fault(String what) {
        super(what, null, false, false);
    }
}
