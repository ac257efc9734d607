package io.github.medpsy4j.engine.grammar;

import io.github.medpsy4j.tokenizer.Tokenizer;
import java.util.List;

/**
 * What a generated text may be: a context-free grammar, from llama.cpp's notation or from a JSON Schema. Immutable, and
 * shared by threads.
 *
 * <p>A grammar that would begin a rule with itself (left recursion), or has a rule that never ends, is refused. Rules
 * within rules are followed a thousand deep: what would nest deeper is not allowed to begin.
 */
public final class Grammar {
    /** A grammar over bytes. */
    static final class Program {
        /** By rule, its first place. */
        final List<Node> starts;

        /** The rule of the whole text. */
        final int root;

        /** [256] bytes of the same class lead to the same places everywhere. */
        final int[] byteClasses;

        Program(List<Node> starts, int root, int[] byteClasses) {
            this.starts = List.copyOf(starts);
            this.root = root;
            this.byteClasses = byteClasses;
        }
    }

    private final Program program;
    private final boolean afterThinking;

    private Grammar(Program program, boolean afterThinking) {
        this.program = program;
        this.afterThinking = afterThinking;
    }

    /**
     * Reads llama.cpp's notation, GBNF: rules {@code name ::= …} with literals, character classes, groups, alternatives,
     * repetitions ({@code * + ? {m,n}}) and comments; the text is what the rule {@code root} matches.
     *
     * @throws GrammarException if it cannot be read, with line and column, or not be followed
     */
    public static Grammar ofGbnf(String text) {
        return new Grammar(Compiler.compile(GbnfParser.parse(text), "root"), false);
    }

    /**
     * Makes the grammar of the JSON texts that a schema (2020-12) accepts: of some of them, where the grammar of all
     * would be unwieldy; never of one that it does not accept. Members come in the order of {@code properties}; members
     * that are not declared there come only where {@code additionalProperties} says so, and nothing keeps those from
     * having the same name twice. Numbers have at most 16 digits
     * before and behind the point. No white space stands before or after the text. The empty schema as a whole stands
     * for any object.
     *
     * @param json the schema
     * @throws GrammarException if it is not JSON, or has a keyword that is not supported: none is ignored, but for
     *     annotations such as {@code title}; the message has the keyword's path
     */
    public static Grammar ofJsonSchema(String json) {
        return ofJsonSchema(JsonReader.read(json));
    }

    /**
     * {@link #ofJsonSchema(String)} for a schema that has been read already.
     *
     * @param schema maps, lists, strings, numbers, booleans and null
     */
    public static Grammar ofJsonSchema(Object schema) {
        return new Grammar(Compiler.compile(JsonSchema.rules(schema), JsonSchema.ROOT), false);
    }

    /**
     * The same for a model that may think before it answers: the text may come after {@code <think>…</think>}, in which
     * anything goes, and white space.
     */
    public Grammar afterThinking() {
        return new Grammar(program, true);
    }

    /**
     * Follows one generation.
     *
     * @throws GrammarException if the vocabulary has no end token
     */
    public Constraint constraint(Tokenizer tokenizer) {
        return new Constraint(this, tokenizer, afterThinking);
    }

    Program program() {
        return program;
    }
}
