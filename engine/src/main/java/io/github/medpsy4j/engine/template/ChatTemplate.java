package io.github.medpsy4j.engine.template;

import java.util.Map;
import java.util.Objects;

/**
 * A chat template, parsed: the Jinja source that a model carries, which turns messages into the prompt that the model was
 * trained on. It renders what jinja2 renders as {@code transformers} sets it up: {@code trim_blocks}, {@code
 * lstrip_blocks}, loop controls, no escaping, no changes to lists and dicts, {@code tojson} as {@code json.dumps} without
 * ASCII escapes, {@code raise_exception}, {@code strftime_now}, and <code>{% generation %}</code>. Immutable and safe for
 * use by several threads.
 */
public final class ChatTemplate {
    private final Source source;
    private final Stmt.Block body;

    private ChatTemplate(Source source, Stmt.Block body) {
        this.source = source;
        this.body = body;
    }

    /**
     * Reads a template.
     *
     * @param name what error messages call it
     * @param source Jinja, at most 2<sup>20</sup> characters
     * @throws TemplateException where the syntax is wrong, nests too deep, or uses what is not supported, such as
     *     <code>{% include %}</code> or an unknown filter
     */
    public static ChatTemplate parse(String name, String source) {
        Objects.requireNonNull(name, "name");
        if (source.length() > Lexer.SOURCE_MAX) {
            throw new TemplateException(
                    name,
                    1,
                    1,
                    "the template has " + source.length() + " characters; at most " + Lexer.SOURCE_MAX + " are read");
        }
        Source normal = Source.of(name, source);
        return new ChatTemplate(normal, new Parser(normal).template());
    }

    /** Renders with {@link RenderOptions#defaults()}. */
    public RenderedPrompt render(Map<String, ?> variables) {
        return render(variables, RenderOptions.defaults());
    }

    /**
     * Renders the prompt.
     *
     * @param variables values by name: String, Boolean, Integer, Long, BigInteger, Double, BigDecimal (read as a double),
     *     null (Python's None), List, and Map with String keys. Strings in a map of the list {@code messages} whose {@code
     *     role} is {@code assistant} are {@link Origin#ASSISTANT}, trusted variables and the usual names of roles are
     *     {@link Origin#TEMPLATE}, all else is {@link Origin#CONTENT}
     * @throws TemplateException where the template raises an error, does what Python would refuse, or passes a limit; for a
     *     variable of another type the position is the template's start
     */
    public RenderedPrompt render(Map<String, ?> variables, RenderOptions options) {
        return new Interpreter(source, options).render(body, variables);
    }
}
