package io.github.medpsy4j.engine.grammar;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Rules for calls of tools, in the spelling that Qwen's chat template teaches. */
final class ToolCallRules {
    static final String OPEN = "<tool_call>";
    private static final String CLOSE = "</tool_call>";
    private static final String ROOT = "calls";

    private ToolCallRules() {}

    /** One call, or several. */
    static Grammar.Program compile(Map<String, ?> parameters, boolean several) {
        Map<String, Expr> rules = new LinkedHashMap<>(JsonText.rules());
        Expr call = Expr.seq(Expr.text(OPEN), rest(parameters, false, rules));
        rules.put("call", call);
        Expr ref = new Expr.Ref("call");
        rules.put(ROOT, several ? Expr.seq(ref, Expr.repeat(Expr.seq(Expr.text("\n"), ref), 0, -1)) : ref);
        return Compiler.compile(rules, ROOT);
    }

    /** A call without its opening mark. */
    static Grammar.Program compileRest(Map<String, ?> parameters) {
        Map<String, Expr> rules = new LinkedHashMap<>(JsonText.rules());
        rules.put(ROOT, rest(parameters, true, rules));
        return Compiler.compile(rules, ROOT);
    }

    private static Expr rest(Map<String, ?> parameters, boolean isLenient, Map<String, Expr> rules) {
        List<Expr> choices = new ArrayList<>();
        parameters.forEach((name, schema) -> choices.add(Expr.seq(
                Expr.text("{\"name\": " + JsonText.write(name) + ", \"arguments\": "),
                arguments(name, schema, isLenient, rules),
                Expr.text("}"))));
        Expr newline = Expr.optional(Expr.text("\n"));
        return Expr.seq(newline, Expr.alt(choices), newline, Expr.text(CLOSE));
    }

    private static Expr arguments(String name, Object schema, boolean isLenient, Map<String, Expr> rules) {
        if (declaresNothing(schema)) {
            return Expr.text("{}");
        }
        try {
            Map<String, Expr> own = JsonSchema.rules(schema);
            Map<String, Expr> shared = JsonText.rules();
            // Schemas are documents of their own: the same pointer means something else in each.
            UnaryOperator<String> inTool = rule -> shared.containsKey(rule) ? rule : name + rule;
            own.forEach((rule, expr) -> {
                if (!shared.containsKey(rule)) {
                    rules.put(inTool.apply(rule), renamed(expr, inTool));
                }
            });
            return new Expr.Ref(inTool.apply(JsonSchema.ROOT));
        } catch (GrammarException e) {
            if (isLenient) {
                return JsonText.OBJECT;
            }
            throw new GrammarException("tool " + name + ": " + e.getMessage());
        }
    }

    /** A tool that takes no arguments is not to be given any, though its schema would accept them. */
    private static boolean declaresNothing(Object schema) {
        return schema instanceof Map<?, ?> map
                && "object".equals(map.get("type"))
                && map.get("properties") instanceof Map<?, ?> properties
                && properties.isEmpty()
                && !map.containsKey("additionalProperties");
    }

    private static Expr renamed(Expr expr, UnaryOperator<String> rename) {
        return switch (expr) {
            case Expr.Text text -> text;
            case Expr.Chars chars -> chars;
            case Expr.Seq seq ->
                new Expr.Seq(
                        seq.parts().stream().map(part -> renamed(part, rename)).toList());
            case Expr.Alt alt ->
                new Expr.Alt(alt.choices().stream()
                        .map(part -> renamed(part, rename))
                        .toList());
            case Expr.Repeat repeat -> new Expr.Repeat(renamed(repeat.part(), rename), repeat.min(), repeat.max());
            case Expr.Ref ref -> new Expr.Ref(rename.apply(ref.rule()));
        };
    }
}
