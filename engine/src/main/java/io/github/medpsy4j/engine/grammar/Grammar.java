package io.github.medpsy4j.engine.grammar;

import io.github.medpsy4j.engine.json.JsonException;
import io.github.medpsy4j.engine.json.JsonReader;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.util.List;
import java.util.Map;

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

    /** What it waits for: only what follows each occurrence is constrained; null for all of the text. */
    private final String trigger;

    /** Where it waits: whether more than one occurrence may come. */
    private final boolean recurs;

    private Grammar(Program program, boolean afterThinking, String trigger, boolean recurs) {
        this.program = program;
        this.afterThinking = afterThinking;
        this.trigger = trigger;
        this.recurs = recurs;
    }

    private static Grammar ofWhole(Program program) {
        return new Grammar(program, false, null, false);
    }

    /**
     * Reads llama.cpp's notation, GBNF: rules {@code name ::= …} with literals, character classes, groups, alternatives,
     * repetitions ({@code * + ? {m,n}}) and comments; the text is what the rule {@code root} matches.
     *
     * @throws GrammarException if it cannot be read, with line and column, or not be followed
     */
    public static Grammar ofGbnf(String text) {
        return ofWhole(Compiler.compile(GbnfParser.parse(text), "root"));
    }

    /**
     * Makes the grammar of the JSON texts that a schema (2020-12) accepts: of some of them, where the grammar of all
     * would be unwieldy; never of one that it does not accept. Members come in the order of {@code properties}; members
     * that are not declared there come only where {@code additionalProperties} says so, and nothing keeps those from
     * having the same name twice. Numbers have at most 16 digits before and behind the point; the formats {@code int32}
     * and {@code int64} bound integers as Java's types do. No white space stands before or after the text. The empty schema as a whole stands
     * for any object.
     *
     * @param json the schema
     * @throws GrammarException if it is not JSON, or has a keyword that is not supported: none is ignored, but for
     *     annotations such as {@code title}; the message has the keyword's path
     */
    public static Grammar ofJsonSchema(String json) {
        try {
            return ofJsonSchema(JsonReader.read(json));
        } catch (JsonException e) {
            throw new GrammarException(e.getMessage());
        }
    }

    /**
     * {@link #ofJsonSchema(String)} for a schema that has been read already.
     *
     * @param schema maps, lists, strings, numbers, booleans and null
     */
    public static Grammar ofJsonSchema(Object schema) {
        return ofWhole(Compiler.compile(JsonSchema.rules(schema), JsonSchema.ROOT));
    }

    /**
     * The same for a model that may think before it answers: the text may come after {@code <think>…</think>}, in which
     * anything goes, and white space.
     */
    public Grammar afterThinking() {
        return new Grammar(program, true, trigger, recurs);
    }

    /**
     * Makes the grammar of calls of tools as Qwen's and Hermes' models write them:
     *
     * <pre>
     * &lt;tool_call&gt;
     * {"name": "NAME", "arguments": {…}}
     * &lt;/tool_call&gt;
     * </pre>
     *
     * @param parameters by name of a tool, the schema of its arguments: maps, lists, strings, numbers, booleans and null
     * @param several whether more than one call may come
     * @throws GrammarException if a schema has a keyword that is not supported, with the tool's name and the path
     */
    public static Grammar ofToolCalls(Map<String, ?> parameters, boolean several) {
        return ofWhole(ToolCallRules.compile(parameters, several));
    }

    /**
     * The same for a model that may also answer without a call: any text, but each {@code <tool_call>} in it is followed
     * by the rest of a call. The arguments of a tool whose schema is not supported are any object.
     */
    public static Grammar ofTextWithToolCalls(Map<String, ?> parameters, boolean several) {
        return new Grammar(ToolCallRules.compileRest(parameters), false, ToolCallRules.OPEN, several);
    }

    /**
     * Follows one generation.
     *
     * @throws GrammarException if the vocabulary has no end token
     */
    public Constraint constraint(Tokenizer tokenizer) {
        return new Constraint(this, tokenizer);
    }

    Program program() {
        return program;
    }

    boolean isAfterThinking() {
        return afterThinking;
    }

    String trigger() {
        return trigger;
    }

    boolean recurs() {
        return recurs;
    }
}
