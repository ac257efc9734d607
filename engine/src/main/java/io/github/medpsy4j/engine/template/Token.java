package io.github.medpsy4j.engine.template;

/**
 * A token: {@code text} is a name, an operator as written, or the text of data and strings; {@code value} is the literal
 * of a string or number.
 */
record Token(Kind kind, int at, String text, Value value) {
    enum Kind {
        DATA("template text"),
        OUTPUT_BEGIN("{{"),
        OUTPUT_END("}}"),
        BLOCK_BEGIN("{%"),
        BLOCK_END("%}"),
        NAME("name"),
        STRING("string"),
        INTEGER("integer"),
        FLOAT("float"),
        OPERATOR("operator"),
        EOF("end of template");

        private final String description;

        Kind(String description) {
            this.description = description;
        }

        String description() {
            return description;
        }
    }

    boolean isName(String name) {
        return kind == Kind.NAME && text.equals(name);
    }

    boolean isOperator(String operator) {
        return kind == Kind.OPERATOR && text.equals(operator);
    }

    /** As messages name it. */
    String description() {
        return switch (kind) {
            case NAME, OPERATOR -> text;
            default -> kind.description;
        };
    }
}
