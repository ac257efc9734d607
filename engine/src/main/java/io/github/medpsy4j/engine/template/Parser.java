package io.github.medpsy4j.engine.template;

import io.github.medpsy4j.engine.template.Expr.CallArguments;
import io.github.medpsy4j.engine.template.Stmt.Block;
import io.github.medpsy4j.engine.template.Stmt.Target;
import io.github.medpsy4j.engine.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Tokens to statements, by jinja2's grammar with its peculiarities: a filter binds tighter than any operator, unary minus
 * tighter than a power, comparison chains. Nesting is bounded, so that no source overflows the stack.
 */
final class Parser {
    /** How deep tags, parentheses and operators may nest. */
    private static final int NESTING_MAX = 100;

    /** Links in a chain such as {@code a + b + …} or {@code x|f|g|…}: each link is one level when it runs. */
    private static final int CHAIN_MAX = 200;

    private static final Set<String> REFUSED =
            Set.of("include", "import", "from", "extends", "autoescape", "trans", "do", "debug");

    private final Source source;
    private final List<Token> tokens;
    private int index;
    private Token token;
    private int nesting;

    /** The scope whose names are read and assigned at this point of the source. */
    private Frame frame = new Frame(null);

    /** Whether break and continue have a loop to act on. */
    private boolean inLoop;

    /** Loops around this point, their targets included: none of them may assign {@code loop}. */
    private int loops;

    /** Unknown filters and tests that are errors even if they are never reached, which those within an if are not. */
    private final List<TemplateException> unknown = new ArrayList<>();

    Parser(Source source) {
        this.source = source;
        this.tokens = new Lexer(source).tokens();
        this.token = tokens.get(0);
    }

    Block template() {
        Frame root = frame;
        List<Stmt> body = statements(Set.of(), "");
        if (!unknown.isEmpty()) {
            throw unknown.get(0);
        }
        root.resolve();
        return new Block(root, body);
    }

    // Tokens

    private Token next() {
        Token passed = token;
        if (token.kind() != Kind.EOF) {
            token = tokens.get(++index);
        }
        return passed;
    }

    private Token peek() {
        return tokens.get(Math.min(index + 1, tokens.size() - 1));
    }

    private TemplateException error(int at, String what) {
        return source.error(at, what);
    }

    private Token expect(Kind kind) {
        if (token.kind() != kind) {
            throw unexpected(kind.description());
        }
        return next();
    }

    private Token expectOperator(String operator) {
        if (!token.isOperator(operator)) {
            throw unexpected(operator);
        }
        return next();
    }

    private void expectName(String name) {
        if (!token.isName(name)) {
            throw unexpected(name);
        }
        next();
    }

    private TemplateException unexpected(String expected) {
        if (token.kind() == Kind.EOF) {
            return error(token.at(), "unexpected end of template, expected '" + expected + "'");
        }
        return error(token.at(), "expected token '" + expected + "', got '" + token.description() + "'");
    }

    private boolean skipOperator(String operator) {
        if (token.isOperator(operator)) {
            next();
            return true;
        }
        return false;
    }

    private boolean skipName(String name) {
        if (token.isName(name)) {
            next();
            return true;
        }
        return false;
    }

    private void enter() {
        if (++nesting > NESTING_MAX) {
            throw error(token.at(), "the template nests deeper than " + NESTING_MAX + " levels");
        }
    }

    private void exit() {
        nesting--;
    }

    private void chain(int links) {
        if (links > CHAIN_MAX) {
            throw error(token.at(), "an expression chains more than " + CHAIN_MAX + " operators");
        }
    }

    /** Lets the unknown filters and tests after the first {@code known} be found out while rendering. */
    private void forget(int known) {
        unknown.subList(known, unknown.size()).clear();
    }

    // Statements

    /** Statements up to a tag named in {@code ends}, whose name is then the current token, or to the template's end. */
    private List<Stmt> statements(Set<String> ends, String opened) {
        List<Stmt> body = new ArrayList<>();
        while (true) {
            switch (token.kind()) {
                case DATA -> {
                    Token data = next();
                    body.add(new Stmt.Data(data.at(), Text.of(data.text())));
                }
                case OUTPUT_BEGIN -> {
                    int at = next().at();
                    body.add(new Stmt.Output(at, tuple(true, false)));
                    expect(Kind.OUTPUT_END);
                }
                case BLOCK_BEGIN -> {
                    next();
                    if (token.kind() == Kind.NAME && ends.contains(token.text())) {
                        return body;
                    }
                    enter();
                    statement(body, opened);
                    exit();
                    expect(Kind.BLOCK_END);
                }
                default -> {
                    if (!ends.isEmpty()) {
                        throw error(
                                token.at(),
                                "unexpected end of template; '" + opened + "' needs "
                                        + String.join(
                                                " or ",
                                                ends.stream()
                                                        .sorted()
                                                        .map(end -> "'" + end + "'")
                                                        .toList()));
                    }
                    return body;
                }
            }
        }
    }

    private void statement(List<Stmt> body, String opened) {
        if (token.kind() != Kind.NAME) {
            throw error(token.at(), "tag name expected, got '" + token.description() + "'");
        }
        Token tag = next();
        int at = tag.at();
        switch (tag.text()) {
            case "if" -> body.add(ifStatement(at));
            case "for" -> body.add(forStatement(at));
            case "set" -> body.add(set(at));
            case "with" -> body.add(with(at));
            case "macro" -> body.add(macro(at));
            case "call" -> body.add(callBlock(at));
            case "filter" -> body.add(filterBlock(at));
            case "print" -> print(at, body);
            case "block" -> body.add(block(at));
            case "generation" ->
                body.add(new Stmt.Scoped(at, function(new Frame(frame), "endgeneration", "generation")));
            case "break", "continue" -> {
                if (!inLoop) {
                    throw error(at, "'" + tag.text() + "' outside of a loop");
                }
                body.add(tag.text().equals("break") ? new Stmt.Break(at) : new Stmt.Continue(at));
            }
            default -> {
                if (REFUSED.contains(tag.text())) {
                    throw error(at, "the tag '" + tag.text() + "' is not supported in chat templates");
                }
                throw error(
                        at,
                        "unknown tag '" + tag.text() + "'"
                                + (opened.isEmpty() ? "" : "; '" + opened + "' is still open"));
            }
        }
    }

    /** The rest of an opening tag and the statements up to the closing one, whose name is then the current token. */
    private List<Stmt> body(String opened, String... ends) {
        skipOperator(":");
        expect(Kind.BLOCK_END);
        return statements(Set.of(ends), opened);
    }

    /** A body in a scope of its own, its closing tag passed. */
    private Block scope(Frame inner, String end, String opened) {
        Frame outer = frame;
        frame = inner;
        List<Stmt> body = body(opened, end);
        frame = outer;
        next();
        return new Block(inner, body);
    }

    /** A scope that is called, so that no loop around it can be left from within. */
    private Block function(Frame inner, String end, String opened) {
        boolean outerLoop = inLoop;
        inLoop = false;
        Block block = scope(inner, end, opened);
        inLoop = outerLoop;
        return block;
    }

    private Stmt ifStatement(int at) {
        List<Expr> tests = new ArrayList<>();
        List<List<Stmt>> bodies = new ArrayList<>();
        List<Stmt> otherwise = List.of();
        tests.add(tuple(false, false));
        Frame.BranchMark mark = frame.branches();
        frame.branch(mark);
        int known = unknown.size();
        while (true) {
            bodies.add(body("if", "elif", "else", "endif"));
            String end = next().text();
            if (!end.equals("endif")) {
                frame.branch(mark);
            }
            if (end.equals("elif")) {
                tests.add(tuple(false, false));
                continue;
            }
            if (end.equals("else")) {
                otherwise = body("if", "endif");
                next();
            }
            break;
        }
        forget(known);
        frame.end(mark);
        return new Stmt.If(at, tests, bodies, otherwise);
    }

    private Stmt forStatement(int at) {
        Frame outer = frame;
        boolean outerLoop = inLoop;
        loops++;
        Target target = target(false);
        expectName("in");
        Expr iterable = tuple(false, false);
        Expr filter = null;
        // The filter sees the target but not the loop; the else sees neither.
        Frame filterFrame = new Frame(outer);
        declare(filterFrame, target);
        if (skipName("if")) {
            frame = filterFrame;
            filter = expression(true);
        }
        boolean recursive = skipName("recursive");
        Frame bodyFrame = new Frame(outer);
        declare(bodyFrame, target);
        bodyFrame.declare("loop");
        frame = bodyFrame;
        inLoop = true;
        List<Stmt> body = body("for", "endfor", "else");
        inLoop = outerLoop;
        Frame elseFrame = new Frame(outer);
        frame = elseFrame;
        List<Stmt> otherwise = List.of();
        if (next().text().equals("else")) {
            otherwise = body("for", "endfor");
            next();
        }
        frame = outer;
        loops--;
        return new Stmt.For(
                at,
                target,
                iterable,
                filter,
                filterFrame,
                recursive,
                new Block(bodyFrame, body),
                new Block(elseFrame, otherwise));
    }

    private void declare(Frame scope, Target target) {
        switch (target) {
            case Target.Variable variable -> scope.declare(variable.name());
            case Target.Several several -> several.targets().forEach(each -> declare(scope, each));
            case Target.Attribute attribute -> throw error(attribute.at(), "cannot assign to an attribute here");
        }
    }

    private void store(Target target) {
        switch (target) {
            case Target.Variable variable -> frame.store(variable.name());
            case Target.Several several -> several.targets().forEach(this::store);
            case Target.Attribute attribute -> frame.load(attribute.namespace());
        }
    }

    private Stmt set(int at) {
        Target target = target(true);
        if (skipOperator("=")) {
            Expr value = tuple(true, false);
            store(target);
            return new Stmt.Set(at, target, value);
        }
        Frame inner = new Frame(frame);
        Expr.Filter filter = null;
        if (token.isOperator("|")) {
            Frame outer = frame;
            frame = inner;
            filter = filters(null);
            frame = outer;
        }
        store(target);
        return new Stmt.SetBlock(at, target, filter, scope(inner, "endset", "set"));
    }

    private Stmt with(int at) {
        Frame inner = new Frame(frame);
        List<Target> targets = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        while (token.kind() != Kind.BLOCK_END && !token.isOperator(":")) {
            if (!targets.isEmpty()) {
                expectOperator(",");
            }
            Target target = target(false);
            expectOperator("=");
            values.add(expression(true));
            declare(inner, target);
            targets.add(target);
        }
        return new Stmt.With(at, targets, values, scope(inner, "endwith", "with"));
    }

    private Stmt macro(int at) {
        Token name = expect(Kind.NAME);
        notReserved(name);
        frame.store(name.text());
        Frame inner = new Frame(frame);
        Stmt.Signature signature = signature(inner);
        return new Stmt.Macro(at, name.text(), signature, function(inner, "endmacro", "macro"));
    }

    private Stmt callBlock(int at) {
        Frame inner = new Frame(frame);
        Stmt.Signature signature = token.isOperator("(") ? signature(inner) : new Stmt.Signature(List.of(), List.of());
        if (!(expression(true) instanceof Expr.Call call)) {
            throw error(at, "expected call");
        }
        return new Stmt.CallBlock(at, signature, call, function(inner, "endcall", "call"));
    }

    private Stmt.Signature signature(Frame inner) {
        Frame outer = frame;
        frame = inner;
        List<String> parameters = new ArrayList<>();
        List<Expr> defaults = new ArrayList<>();
        expectOperator("(");
        while (!token.isOperator(")")) {
            if (!parameters.isEmpty()) {
                expectOperator(",");
            }
            Token parameter = expect(Kind.NAME);
            notReserved(parameter);
            if (parameters.contains(parameter.text())) {
                throw error(parameter.at(), "duplicate parameter '" + parameter.text() + "'");
            }
            inner.declare(parameter.text());
            if (skipOperator("=")) {
                defaults.add(expression(true));
            } else if (!defaults.isEmpty()) {
                throw error(parameter.at(), "non-default argument follows default argument");
            }
            parameters.add(parameter.text());
            if (parameters.size() > CHAIN_MAX) {
                throw error(parameter.at(), "more than " + CHAIN_MAX + " parameters");
            }
        }
        expectOperator(")");
        frame = outer;
        return new Stmt.Signature(parameters, defaults);
    }

    private Stmt filterBlock(int at) {
        Frame inner = new Frame(frame);
        Frame outer = frame;
        frame = inner;
        Expr.Filter filter = filters(filter(null));
        frame = outer;
        return new Stmt.FilterBlock(at, filter, scope(inner, "endfilter", "filter"));
    }

    private void print(int at, List<Stmt> body) {
        boolean first = true;
        while (token.kind() != Kind.BLOCK_END) {
            if (!first) {
                expectOperator(",");
            }
            body.add(new Stmt.Output(at, expression(true)));
            first = false;
        }
    }

    private Stmt block(int at) {
        String name = expect(Kind.NAME).text();
        boolean scoped = skipName("scoped");
        if (token.isName("required")) {
            throw error(token.at(), "a required block is not supported in chat templates");
        }
        Frame inner = new Frame(scoped ? frame : null);
        Block body = function(inner, "endblock", "block");
        skipName(name);
        if (!scoped) {
            inner.resolve();
        }
        return new Stmt.Scoped(at, body);
    }

    private void notReserved(Token name) {
        if (Set.of("true", "false", "none", "True", "False", "None").contains(name.text())) {
            throw error(name.at(), "can't assign to '" + name.text() + "'");
        }
        if (name.text().equals("loop") && loops > 0) {
            throw error(name.at(), "can't assign to special loop variable in for-loop target");
        }
    }

    /** One target, or several with commas between them. */
    private Target target(boolean attributes) {
        int at = token.at();
        List<Target> targets = new ArrayList<>();
        boolean several = false;
        while (true) {
            if (!targets.isEmpty()) {
                expectOperator(",");
            }
            if (token.kind() == Kind.BLOCK_END || token.isOperator(")")) {
                break;
            }
            targets.add(singleTarget(attributes));
            if (!token.isOperator(",")) {
                break;
            }
            several = true;
        }
        if (targets.isEmpty()) {
            throw error(at, "expected a name to assign to, got '" + token.description() + "'");
        }
        return several ? new Target.Several(at, targets) : targets.get(0);
    }

    private Target singleTarget(boolean attributes) {
        if (token.isOperator("(")) {
            enter();
            int at = next().at();
            Target target = target(attributes);
            expectOperator(")");
            exit();
            return target instanceof Target.Attribute ? target : new Target.Several(at, targetsOf(target));
        }
        if (token.kind() != Kind.NAME) {
            throw error(token.at(), "can't assign to '" + token.description() + "'");
        }
        Token name = next();
        if (attributes && token.isOperator(".")) {
            next();
            return new Target.Attribute(
                    name.at(), name.text(), expect(Kind.NAME).text());
        }
        notReserved(name);
        return new Target.Variable(name.at(), name.text());
    }

    private static List<Target> targetsOf(Target target) {
        return target instanceof Target.Several several ? several.targets() : List.of(target);
    }

    // Expressions, from the loosest to the tightest

    /**
     * An expression, or a tuple of them without parentheses. It may be empty only inside of parentheses.
     */
    private Expr tuple(boolean conditional, boolean parentheses) {
        int at = token.at();
        List<Expr> items = new ArrayList<>();
        boolean several = false;
        while (true) {
            if (!items.isEmpty()) {
                expectOperator(",");
            }
            if (token.kind() == Kind.OUTPUT_END || token.kind() == Kind.BLOCK_END || token.isOperator(")")) {
                break;
            }
            items.add(expression(conditional));
            if (!token.isOperator(",")) {
                break;
            }
            several = true;
        }
        if (!several) {
            if (!items.isEmpty()) {
                return items.get(0);
            }
            if (!parentheses) {
                throw error(token.at(), "expected an expression, got '" + token.description() + "'");
            }
        }
        return new Expr.TupleOf(at, items);
    }

    private Expr expression(boolean conditional) {
        enter();
        int known = unknown.size();
        Expr result = or();
        for (int links = 1; conditional && token.isName("if"); links++) {
            chain(links);
            int at = next().at();
            Expr test = or();
            Expr otherwise = skipName("else") ? expression(true) : null;
            forget(known);
            result = new Expr.Conditional(at, test, result, otherwise);
        }
        exit();
        return result;
    }

    private Expr or() {
        Expr left = and();
        for (int links = 1; token.isName("or"); links++) {
            chain(links);
            int at = next().at();
            left = new Expr.Or(at, left, and());
        }
        return left;
    }

    private Expr and() {
        Expr left = not();
        for (int links = 1; token.isName("and"); links++) {
            chain(links);
            int at = next().at();
            left = new Expr.And(at, left, not());
        }
        return left;
    }

    private Expr not() {
        if (!token.isName("not")) {
            return compare();
        }
        enter();
        int at = next().at();
        Expr result = new Expr.Not(at, not());
        exit();
        return result;
    }

    private Expr compare() {
        Expr first = sum();
        int at = token.at();
        List<Operators.Comparison> operators = new ArrayList<>();
        List<Expr> operands = new ArrayList<>();
        while (true) {
            Operators.Comparison operator = null;
            if (token.kind() == Kind.OPERATOR) {
                operator = Operators.Comparison.of(token.text());
            } else if (token.isName("in")) {
                operator = Operators.Comparison.IN;
            } else if (token.isName("not") && peek().isName("in")) {
                next();
                operator = Operators.Comparison.NOT_IN;
            }
            if (operator == null) {
                return operators.isEmpty() ? first : new Expr.Compare(at, first, operators, operands);
            }
            next();
            operators.add(operator);
            operands.add(sum());
        }
    }

    private Expr sum() {
        Expr left = concat();
        for (int links = 1; token.isOperator("+") || token.isOperator("-"); links++) {
            chain(links);
            Token operator = next();
            left = binary(operator, left, concat());
        }
        return left;
    }

    private Expr concat() {
        int at = token.at();
        Expr first = product();
        if (!token.isOperator("~")) {
            return first;
        }
        List<Expr> parts = new ArrayList<>(List.of(first));
        while (skipOperator("~")) {
            parts.add(product());
        }
        return new Expr.Concat(at, parts);
    }

    private Expr product() {
        Expr left = power();
        for (int links = 1;
                token.isOperator("*") || token.isOperator("/") || token.isOperator("//") || token.isOperator("%");
                links++) {
            chain(links);
            Token operator = next();
            left = binary(operator, left, power());
        }
        return left;
    }

    private Expr power() {
        Expr left = unary(true);
        for (int links = 1; token.isOperator("**"); links++) {
            chain(links);
            Token operator = next();
            left = binary(operator, left, unary(true));
        }
        return left;
    }

    private static Expr binary(Token operator, Expr left, Expr right) {
        return new Expr.Binary(operator.at(), Operators.Arithmetic.of(operator.text()), left, right);
    }

    private Expr unary(boolean filters) {
        Expr result;
        if (token.isOperator("-") || token.isOperator("+")) {
            enter();
            Token sign = next();
            result = new Expr.Sign(sign.at(), sign.text().equals("-"), unary(false));
            exit();
        } else {
            result = primary();
        }
        result = postfix(result);
        return filters ? filtersAndTests(result) : result;
    }

    private Expr primary() {
        Token first = next();
        int at = first.at();
        switch (first.kind()) {
            case NAME -> {
                return switch (first.text()) {
                    case "true", "True" -> new Expr.Literal(at, Value.Bool.TRUE);
                    case "false", "False" -> new Expr.Literal(at, Value.Bool.FALSE);
                    case "none", "None" -> new Expr.Literal(at, Value.None.NONE);
                    default -> {
                        frame.load(first.text());
                        yield new Expr.Name(at, first.text());
                    }
                };
            }
            case STRING -> {
                if (token.kind() != Kind.STRING) {
                    return new Expr.Literal(at, first.value());
                }
                StringBuilder joined = new StringBuilder(((Text) first.value()).value());
                while (token.kind() == Kind.STRING) {
                    joined.append(((Text) next().value()).value());
                }
                return new Expr.Literal(at, Text.of(joined.toString()));
            }
            case INTEGER, FLOAT -> {
                return new Expr.Literal(at, first.value());
            }
            case OPERATOR -> {
                switch (first.text()) {
                    case "(" -> {
                        Expr result = tuple(true, true);
                        expectOperator(")");
                        return result;
                    }
                    case "[" -> {
                        return new Expr.ListOf(at, listItems());
                    }
                    case "{" -> {
                        return dict(at);
                    }
                    default -> throw error(at, "unexpected '" + first.text() + "'");
                }
            }
            case EOF -> throw error(at, "unexpected end of template");
            default -> throw error(at, "unexpected '" + first.description() + "'");
        }
    }

    private List<Expr> listItems() {
        List<Expr> items = new ArrayList<>();
        while (!token.isOperator("]")) {
            if (!items.isEmpty()) {
                expectOperator(",");
                if (token.isOperator("]")) {
                    break;
                }
            }
            items.add(expression(true));
        }
        next();
        return items;
    }

    private Expr dict(int at) {
        List<Expr> keys = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        while (!token.isOperator("}")) {
            if (!keys.isEmpty()) {
                expectOperator(",");
                if (token.isOperator("}")) {
                    break;
                }
            }
            keys.add(expression(true));
            expectOperator(":");
            values.add(expression(true));
        }
        next();
        return new Expr.DictOf(at, keys, values);
    }

    private Expr postfix(Expr object) {
        Expr result = object;
        for (int links = 1; ; links++) {
            chain(links);
            if (token.isOperator(".")) {
                result = attribute(result);
            } else if (token.isOperator("[")) {
                result = subscript(result);
            } else if (token.isOperator("(")) {
                int at = token.at();
                result = new Expr.Call(at, result, callArguments());
            } else {
                return result;
            }
        }
    }

    private Expr attribute(Expr object) {
        next();
        Token name = next();
        if (name.kind() == Kind.INTEGER) {
            return new Expr.Item(name.at(), object, new Expr.Literal(name.at(), name.value()));
        }
        if (name.kind() != Kind.NAME) {
            throw error(name.at(), "expected name or number, got '" + name.description() + "'");
        }
        return new Expr.Attribute(name.at(), object, name.text());
    }

    private Expr subscript(Expr object) {
        int at = next().at();
        List<Expr> indices = new ArrayList<>();
        while (!token.isOperator("]")) {
            if (!indices.isEmpty()) {
                expectOperator(",");
            }
            Expr start = token.isOperator(":") ? null : expression(true);
            if (!token.isOperator(":")) {
                indices.add(start);
                continue;
            }
            next();
            Expr stop = endsSlice() || token.isOperator(":") ? null : expression(true);
            Expr step = skipOperator(":") && !endsSlice() ? expression(true) : null;
            if (!indices.isEmpty() || !token.isOperator("]")) {
                throw error(at, "a slice among several subscripts is not supported");
            }
            next();
            return new Expr.Slice(at, object, start, stop, step);
        }
        next();
        return new Expr.Item(at, object, indices.size() == 1 ? indices.get(0) : new Expr.TupleOf(at, indices));
    }

    private boolean endsSlice() {
        return token.isOperator("]") || token.isOperator(",");
    }

    private Expr filtersAndTests(Expr subject) {
        Expr result = subject;
        for (int links = 1; ; links++) {
            chain(links);
            if (token.isOperator("|")) {
                result = filters(result);
            } else if (token.isName("is")) {
                result = test(result);
            } else if (token.isOperator("(")) {
                int at = token.at();
                result = new Expr.Call(at, result, callArguments());
            } else {
                return result;
            }
        }
    }

    /** All the filters from here on, around {@code subject}. */
    private Expr.Filter filters(Expr subject) {
        Expr result = subject;
        for (int links = 1; token.isOperator("|"); links++) {
            chain(links);
            next();
            result = filter(result);
        }
        return (Expr.Filter) result;
    }

    private Expr.Filter filter(Expr subject) {
        Token first = expect(Kind.NAME);
        String name = dottedName(first);
        if (!Filters.exists(name)) {
            unknown.add(error(first.at(), Filters.unknown(name)));
        }
        CallArguments arguments = token.isOperator("(") ? callArguments() : CallArguments.NONE;
        return new Expr.Filter(first.at(), subject, name, arguments);
    }

    private String dottedName(Token first) {
        StringBuilder name = new StringBuilder(first.text());
        while (skipOperator(".")) {
            name.append('.').append(expect(Kind.NAME).text());
        }
        return name.toString();
    }

    private Expr test(Expr subject) {
        next();
        boolean negated = skipName("not");
        Token first = expect(Kind.NAME);
        String name = dottedName(first);
        if (!Tests.exists(name)) {
            unknown.add(error(first.at(), Tests.unknown(name)));
        }
        CallArguments arguments = CallArguments.NONE;
        if (token.isOperator("(")) {
            arguments = callArguments();
        } else if (startsArgument()) {
            if (token.isName("is")) {
                throw error(token.at(), "you cannot chain multiple tests with is");
            }
            enter();
            arguments = new CallArguments(List.of(postfix(primary())), List.of(), List.of(), null, null);
            exit();
        }
        Expr test = new Expr.Test(first.at(), subject, name, arguments);
        return negated ? new Expr.Not(first.at(), test) : test;
    }

    private boolean startsArgument() {
        return switch (token.kind()) {
            case NAME -> !token.isName("else") && !token.isName("or") && !token.isName("and");
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> token.isOperator("[") || token.isOperator("{");
            default -> false;
        };
    }

    private CallArguments callArguments() {
        int at = expectOperator("(").at();
        List<Expr> positional = new ArrayList<>();
        List<String> names = new ArrayList<>();
        List<Expr> named = new ArrayList<>();
        Expr spread = null;
        Expr spreadNamed = null;
        boolean first = true;
        while (!token.isOperator(")")) {
            if (!first) {
                expectOperator(",");
                if (token.isOperator(")")) {
                    break;
                }
            }
            first = false;
            boolean valid;
            if (skipOperator("*")) {
                valid = spread == null && spreadNamed == null;
                spread = expression(true);
            } else if (skipOperator("**")) {
                valid = spreadNamed == null;
                spreadNamed = expression(true);
            } else if (token.kind() == Kind.NAME && peek().isOperator("=")) {
                String name = next().text();
                next();
                valid = spreadNamed == null && !names.contains(name) && names.size() < CHAIN_MAX;
                names.add(name);
                named.add(expression(true));
            } else {
                valid = spread == null && spreadNamed == null && names.isEmpty();
                positional.add(expression(true));
            }
            if (!valid) {
                throw error(at, "invalid syntax for function call expression");
            }
        }
        next();
        return new CallArguments(positional, names, named, spread, spreadNamed);
    }
}
