package io.github.medpsy4j.engine.template;

import io.github.medpsy4j.engine.template.Expr.CallArguments;
import io.github.medpsy4j.engine.template.Stmt.Target;
import io.github.medpsy4j.engine.template.Value.Bool;
import io.github.medpsy4j.engine.template.Value.Dict;
import io.github.medpsy4j.engine.template.Value.Entry;
import io.github.medpsy4j.engine.template.Value.ListValue;
import io.github.medpsy4j.engine.template.Value.Tuple;
import io.github.medpsy4j.engine.template.Value.Undefined;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.Predicate;

/** Walks a parsed template. One rendering, one thread. */
final class Interpreter {
    private final Source source;
    private final RenderOptions options;
    private final Budget budget;

    /** The scope of the template's top, which blocks see. */
    private Scope top;

    Interpreter(Source source, RenderOptions options) {
        this.source = source;
        this.options = options;
        this.budget = new Budget(options);
    }

    Budget budget() {
        return budget;
    }

    RenderOptions options() {
        return options;
    }

    RenderedPrompt render(Stmt.Block body, Map<String, ?> variables) {
        try {
            Map<String, Value> values = new HashMap<>(Globals.TABLE);
            values.putAll(Variables.of(variables, options));
            top = enter(new Scope(values), body.frame());
            Text.Builder out = new Text.Builder(budget, true);
            execute(body.statements(), top, out);
            Text text = out.build();
            return new RenderedPrompt(text.value(), text.spans());
        } catch (Fault fault) {
            throw source.error(0, fault.getMessage());
        } catch (StackOverflowError overflow) {
            // The limit on depth is meant to come first; a caller's thread may have less stack than it assumes.
            throw source.error(0, "the template nests deeper than the stack of this thread allows");
        }
    }

    // Statements

    /** How a statement ended. */
    private enum Flow {
        NORMAL,
        BREAK,
        CONTINUE
    }

    private Flow execute(List<Stmt> statements, Scope scope, Text.Builder out) {
        for (Stmt statement : statements) {
            Flow flow;
            try {
                budget.step();
                budget.enter();
                flow = execute(statement, scope, out);
            } catch (Fault fault) {
                throw source.error(statement.at(), fault.getMessage());
            }
            budget.exit();
            if (flow != Flow.NORMAL) {
                return flow;
            }
        }
        return Flow.NORMAL;
    }

    private Flow execute(Stmt statement, Scope scope, Text.Builder out) {
        switch (statement) {
            case Stmt.Data data -> out.append(data.text());
            case Stmt.Output output -> out.append(Repr.str(evaluate(output.value(), scope), budget));
            case Stmt.If choice -> {
                return choose(choice, scope, out);
            }
            case Stmt.For loop -> loop(loop, evaluate(loop.iterable(), scope), scope, out, 0);
            case Stmt.Set set -> assign(set.target(), evaluate(set.value(), scope), scope);
            case Stmt.SetBlock set -> {
                Scope inner = enter(scope, set.body().frame());
                Text.Builder text = new Text.Builder(budget);
                Flow flow = execute(set.body().statements(), inner, text);
                if (flow != Flow.NORMAL) {
                    return flow;
                }
                Value value = text.build();
                assign(set.target(), set.filter() == null ? value : filtered(set.filter(), value, inner), scope);
            }
            case Stmt.With with -> {
                Scope inner = enter(scope, with.body().frame());
                for (int i = 0; i < with.targets().size(); i++) {
                    assign(with.targets().get(i), evaluate(with.values().get(i), scope), inner);
                }
                return execute(with.body().statements(), inner, out);
            }
            case Stmt.Macro macro ->
                scope.set(macro.name(), macro(macro.name(), macro.signature(), macro.body(), scope));
            case Stmt.CallBlock call -> {
                Value caller = macro("caller", call.signature(), call.body(), scope);
                Value callee = evaluate(call.call().callee(), scope);
                Arguments arguments = arguments(call.call().arguments(), scope);
                Map<String, Value> named = new LinkedHashMap<>(arguments.named());
                named.put("caller", caller);
                out.append(Repr.str(call(callee, new Arguments(arguments.positional(), named)), budget));
            }
            case Stmt.FilterBlock filter -> {
                Scope inner = enter(scope, filter.body().frame());
                Text.Builder text = new Text.Builder(budget);
                Flow flow = execute(filter.body().statements(), inner, text);
                if (flow != Flow.NORMAL) {
                    return flow;
                }
                out.append(Repr.str(filtered(filter.filter(), text.build(), inner), budget));
            }
            case Stmt.Scoped block -> {
                Scope around = block.body().frame().parent() == null ? top : scope;
                execute(block.body().statements(), enter(around, block.body().frame()), out);
            }
            case Stmt.Break end -> {
                return Flow.BREAK;
            }
            case Stmt.Continue skip -> {
                return Flow.CONTINUE;
            }
        }
        return Flow.NORMAL;
    }

    /** A scope within another, paid for by the names that it hides. */
    private Scope enter(Scope around, Frame frame) {
        budget.steps(frame.undefinedAtEntry().size());
        return new Scope(around, frame);
    }

    private Flow choose(Stmt.If choice, Scope scope, Text.Builder out) {
        for (int i = 0; i < choice.tests().size(); i++) {
            if (Operators.truth(evaluate(choice.tests().get(i), scope))) {
                return execute(choice.bodies().get(i), scope, out);
            }
        }
        return execute(choice.otherwise(), scope, out);
    }

    private void loop(Stmt.For statement, Value iterable, Scope scope, Text.Builder out, int depth0) {
        Iterator<Value> elements = Operators.iterate(iterable, budget);
        int length = Operators.length(iterable);
        if (statement.filter() != null) {
            length = -1;
            elements = filtered(statement, elements, scope);
        }
        Value.Function.Body recursion = !statement.recursive()
                ? null
                : (in, arguments) -> {
                    Text.Builder text = new Text.Builder(budget);
                    loop(statement, arguments.bind("loop", 1, "iterable").get(0), scope, text, depth0 + 1);
                    return text.build();
                };
        Loop loop = new Loop(elements, length, depth0, recursion, budget);
        Value loopValue = new Value.LoopValue(loop);
        boolean completed = false;
        for (Value element = loop.next(); element != null; element = loop.next()) {
            Scope inner = enter(scope, statement.body().frame());
            inner.set("loop", loopValue);
            assign(statement.target(), element, inner);
            Flow flow = execute(statement.body().statements(), inner, out);
            if (flow == Flow.BREAK) {
                break;
            }
            // As in jinja2, a turn that "continue" cut short does not count for the else.
            completed |= flow == Flow.NORMAL;
        }
        if (!completed) {
            execute(
                    statement.otherwise().statements(),
                    enter(scope, statement.otherwise().frame()),
                    out);
        }
    }

    /** The elements for which a loop's {@code if} holds, each tested when its turn comes. */
    private Iterator<Value> filtered(Stmt.For statement, Iterator<Value> elements, Scope scope) {
        return new Selection(elements, element -> {
            Scope inner = enter(scope, statement.filterFrame());
            assign(statement.target(), element, inner);
            return Operators.truth(evaluate(statement.filter(), inner));
        });
    }

    private void assign(Target target, Value value, Scope scope) {
        switch (target) {
            case Target.Variable variable -> scope.set(variable.name(), value);
            case Target.Attribute attribute -> {
                Value namespace = scope.get(attribute.namespace());
                if (!(namespace instanceof Value.Namespace space)) {
                    throw source.error(
                            target.at(),
                            namespace instanceof Undefined undefined
                                    ? undefined.message()
                                    : "cannot assign attribute on non-namespace object");
                }
                budget.elements(1);
                space.attributes().put(attribute.name(), value);
            }
            case Target.Several several -> {
                List<Value> values = unpacked(value, several);
                for (int i = 0; i < values.size(); i++) {
                    assign(several.targets().get(i), values.get(i), scope);
                }
            }
        }
    }

    private List<Value> unpacked(Value value, Target.Several several) {
        int expected = several.targets().size();
        if (!Operators.isIterable(value)) {
            throw source.error(several.at(), "cannot unpack non-iterable " + value.type() + " object");
        }
        List<Value> values = new ArrayList<>(expected);
        Iterator<Value> elements = Operators.iterate(value, budget);
        while (elements.hasNext() && values.size() <= expected) {
            values.add(elements.next());
        }
        if (values.size() > expected) {
            throw source.error(several.at(), "too many values to unpack (expected " + expected + ")");
        }
        if (values.size() < expected) {
            throw source.error(
                    several.at(), "not enough values to unpack (expected " + expected + ", got " + values.size() + ")");
        }
        return values;
    }

    // Macros and calls

    private Value macro(String name, Stmt.Signature signature, Stmt.Block body, Scope definition) {
        Frame frame = body.frame();
        List<String> parameters = signature.parameters();
        boolean takesCaller = frame.readsCaller && !parameters.contains("caller");
        boolean takesKwargs = frame.readsKwargs && !parameters.contains("kwargs");
        boolean takesVarargs = frame.readsVarargs && !parameters.contains("varargs");
        Value.Function.Body call = (in, arguments) -> {
            Scope scope = enter(definition, frame);
            List<Value> positional = arguments.positional();
            Map<String, Value> named = new LinkedHashMap<>(arguments.named());
            List<Value> given = new ArrayList<>();
            for (int i = 0; i < parameters.size(); i++) {
                given.add(i < positional.size() ? positional.get(i) : named.remove(parameters.get(i)));
            }
            if (takesCaller) {
                Value caller = named.remove("caller");
                scope.set("caller", caller == null ? new Undefined("No caller defined") : caller);
            }
            if (takesKwargs) {
                budget.elements(named.size());
                scope.set("kwargs", Dict.ofNames(named));
            } else if (!named.isEmpty()) {
                String extra = named.containsKey("caller")
                        ? "caller"
                        : named.keySet().iterator().next();
                throw new Fault(
                        extra.equals("caller") && parameters.contains("caller")
                                ? "macro " + Repr.quote(name)
                                        + " was invoked with two values for the special caller argument."
                                        + " This is most likely a bug."
                                : "macro " + Repr.quote(name) + " takes no keyword argument " + Repr.quote(extra));
            }
            int count = Math.min(parameters.size(), positional.size());
            if (takesVarargs) {
                scope.set("varargs", Tuple.of(positional.subList(count, positional.size())));
            } else if (positional.size() > parameters.size()) {
                throw new Fault(
                        "macro " + Repr.quote(name) + " takes not more than " + parameters.size() + " argument(s)");
            }
            for (int i = 0; i < parameters.size(); i++) {
                Value value = given.get(i);
                if (value == null) {
                    int fallback = i - parameters.size() + signature.defaults().size();
                    value = fallback >= 0
                            ? evaluate(signature.defaults().get(fallback), scope)
                            : new Undefined("parameter " + Repr.quote(parameters.get(i)) + " was not provided");
                }
                scope.set(parameters.get(i), value);
            }
            Text.Builder out = new Text.Builder(budget);
            execute(body.statements(), scope, out);
            return out.build();
        };
        return new Value.MacroValue(name, parameters, takesVarargs, takesKwargs, takesCaller, call);
    }

    /** Calls whatever can be called. */
    Value call(Value callee, Arguments arguments) {
        budget.step();
        budget.enter();
        Value result = switch (callee) {
            case Value.Function function -> function.body().call(this, arguments);
            case Value.MacroValue macro -> macro.body().call(this, arguments);
            case Value.LoopValue loop -> loop.loop().call(this, arguments);
            case Value.Joiner joiner -> {
                arguments.bind("joiner", 0);
                Value separator = joiner.used ? joiner.separator : Text.EMPTY;
                joiner.used = true;
                yield separator;
            }
            case Undefined undefined -> throw undefined.fault();
            default -> throw new Fault("'" + callee.type() + "' object is not callable");
        };
        budget.exit();
        return result;
    }

    private Arguments arguments(CallArguments call, Scope scope) {
        if (call.isEmpty()) {
            return Arguments.NONE;
        }
        List<Value> positional = new ArrayList<>();
        for (Expr argument : call.positional()) {
            positional.add(evaluate(argument, scope));
        }
        Map<String, Value> named = new LinkedHashMap<>();
        for (int i = 0; i < call.names().size(); i++) {
            named.put(call.names().get(i), evaluate(call.named().get(i), scope));
        }
        if (call.spread() != null) {
            List<Value> spread = Operators.list(evaluate(call.spread(), scope), budget);
            budget.elements(spread.size());
            positional.addAll(spread);
        }
        if (call.spreadNamed() != null) {
            Value spread = evaluate(call.spreadNamed(), scope);
            if (!(spread instanceof Dict dict)) {
                throw spread instanceof Undefined undefined
                        ? undefined.fault()
                        : new Fault("argument after ** must be a mapping, not " + spread.type());
            }
            budget.elements(dict.entries().size());
            for (Entry entry : dict.entries().values()) {
                if (!(entry.key() instanceof Text key)) {
                    throw new Fault("keywords must be strings");
                }
                if (named.put(key.value(), entry.value()) != null) {
                    throw new Fault("got multiple values for keyword argument " + Repr.quote(key.value()));
                }
            }
        }
        return new Arguments(positional, named);
    }

    // Expressions

    private Value evaluate(Expr expression, Scope scope) {
        try {
            budget.step();
            budget.enter();
            Value value = valueOf(expression, scope);
            budget.exit();
            return value;
        } catch (Fault fault) {
            throw source.error(expression.at(), fault.getMessage());
        }
    }

    private Value valueOf(Expr expression, Scope scope) {
        return switch (expression) {
            case Expr.Literal literal -> literal.value();
            case Expr.Name name -> scope.get(name.name());
            case Expr.ListOf list -> ListValue.of(evaluateAll(list.items(), scope));
            case Expr.TupleOf tuple -> Tuple.of(evaluateAll(tuple.items(), scope));
            case Expr.DictOf dict -> dict(dict, scope);
            case Expr.Attribute attribute -> attribute(evaluate(attribute.object(), scope), attribute.name());
            case Expr.Item item -> item(evaluate(item.object(), scope), evaluate(item.index(), scope));
            case Expr.Slice slice ->
                Operators.slice(
                        evaluate(slice.object(), scope),
                        optional(slice.start(), scope),
                        optional(slice.stop(), scope),
                        optional(slice.step(), scope),
                        budget);
            case Expr.Call call -> call(evaluate(call.callee(), scope), arguments(call.arguments(), scope));
            case Expr.Filter filter -> filtered(filter, evaluate(filter.subject(), scope), scope);
            case Expr.Test test ->
                Bool.of(Tests.apply(
                        this, test.name(), evaluate(test.subject(), scope), arguments(test.arguments(), scope)));
            case Expr.Not not -> Bool.of(!Operators.truth(evaluate(not.operand(), scope)));
            case Expr.Sign sign -> Operators.sign(sign.negative(), evaluate(sign.operand(), scope));
            case Expr.Binary binary ->
                Operators.arithmetic(
                        binary.operator(), evaluate(binary.left(), scope), evaluate(binary.right(), scope), this);
            case Expr.And and -> {
                Value left = evaluate(and.left(), scope);
                yield Operators.truth(left) ? evaluate(and.right(), scope) : left;
            }
            case Expr.Or or -> {
                Value left = evaluate(or.left(), scope);
                yield Operators.truth(left) ? left : evaluate(or.right(), scope);
            }
            case Expr.Compare compare -> Bool.of(compare(compare, scope));
            case Expr.Concat concat -> {
                Text.Builder out = new Text.Builder(budget);
                for (Expr part : concat.parts()) {
                    out.append(Repr.str(evaluate(part, scope), budget));
                }
                yield out.build();
            }
            case Expr.Conditional conditional -> conditional(conditional, scope);
        };
    }

    private Value optional(Expr expression, Scope scope) {
        return expression == null ? null : evaluate(expression, scope);
    }

    private List<Value> evaluateAll(List<Expr> expressions, Scope scope) {
        budget.elements(expressions.size());
        List<Value> values = new ArrayList<>(expressions.size());
        for (Expr expression : expressions) {
            values.add(evaluate(expression, scope));
        }
        return values;
    }

    private Value dict(Expr.DictOf dict, Scope scope) {
        budget.elements(2L * dict.keys().size());
        Map<Object, Entry> entries = new LinkedHashMap<>();
        for (int i = 0; i < dict.keys().size(); i++) {
            Value key = evaluate(dict.keys().get(i), scope);
            put(entries, key, evaluate(dict.values().get(i), scope), budget);
        }
        return Dict.of(entries, Origin.TEMPLATE);
    }

    /** Adds or replaces; as in Python the first of two equal keys stays. */
    static void put(Map<Object, Entry> entries, Value key, Value value, Budget budget) {
        entries.merge(
                Operators.key(key, budget), new Entry(key, value), (old, added) -> new Entry(old.key(), added.value()));
    }

    private boolean compare(Expr.Compare compare, Scope scope) {
        Value left = evaluate(compare.first(), scope);
        for (int i = 0; i < compare.operators().size(); i++) {
            Value right = evaluate(compare.operands().get(i), scope);
            if (!Operators.compare(compare.operators().get(i), left, right, budget)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private Value conditional(Expr.Conditional conditional, Scope scope) {
        if (Operators.truth(evaluate(conditional.test(), scope))) {
            return evaluate(conditional.then(), scope);
        }
        return conditional.otherwise() != null
                ? evaluate(conditional.otherwise(), scope)
                : new Undefined("the inline if-expression on line " + source.line(conditional.at())
                        + " evaluated to false and no else section was defined.");
    }

    private Value filtered(Expr.Filter filter, Value subject, Scope scope) {
        // The subject of a block's chain is the block's text, at the chain's start.
        if (filter.subject() instanceof Expr.Filter inner && startsChain(inner)) {
            return Filters.apply(
                    this, filter.name(), filtered(inner, subject, scope), arguments(filter.arguments(), scope));
        }
        return Filters.apply(this, filter.name(), subject, arguments(filter.arguments(), scope));
    }

    private static boolean startsChain(Expr.Filter filter) {
        Expr subject = filter;
        while (subject instanceof Expr.Filter inner) {
            subject = inner.subject();
        }
        return subject == null;
    }

    /** {@code object.name}: an attribute, else an item, else undefined. */
    Value attribute(Value object, String name) {
        Value found = Methods.attribute(object, name);
        if (found == null) {
            found = Operators.item(object, Text.of(name), budget);
        }
        return found == null ? missing(object, name) : found;
    }

    /** {@code object[index]}: an item, else an attribute, else undefined. */
    Value item(Value object, Value index) {
        if (object instanceof Undefined undefined) {
            throw undefined.fault();
        }
        Value found = Operators.item(object, index, budget);
        if (found != null) {
            return found;
        }
        if (index instanceof Text name) {
            found = Methods.attribute(object, name.value());
            budget.characters(found == null ? 2L * name.units() : 0);
            return found == null ? missing(object, name.value()) : found;
        }
        return new Undefined(Methods.describe(object) + " has no element " + Repr.repr(index, budget));
    }

    private static Value missing(Value object, String name) {
        if (object instanceof Undefined undefined) {
            throw undefined.fault();
        }
        return new Undefined("'" + Methods.describe(object) + "' has no attribute " + Repr.quote(name));
    }

    /** The elements that pass a test, looked for one at a time. */
    static final class Selection implements Iterator<Value> {
        private final Iterator<Value> elements;
        private final Predicate<Value> test;
        private Value next;

        Selection(Iterator<Value> elements, Predicate<Value> test) {
            this.elements = elements;
            this.test = test;
        }

        @Override
        public boolean hasNext() {
            while (next == null && elements.hasNext()) {
                Value candidate = elements.next();
                if (test.test(candidate)) {
                    next = candidate;
                }
            }
            return next != null;
        }

        @Override
        public Value next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Value result = next;
            next = null;
            return result;
        }
    }
}
