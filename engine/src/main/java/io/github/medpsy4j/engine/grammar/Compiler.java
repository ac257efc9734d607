package io.github.medpsy4j.engine.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** From rules over characters to nodes over bytes; refuses what could not be followed or would never end. */
final class Compiler {
    /** Of all rules: a grammar is not to fill the memory, whatever its repetitions. */
    private static final int NODES_MAX = 200_000;

    private static final int RULES_MAX = 10_000;

    private final List<String> names = new ArrayList<>();
    private final Map<String, Integer> ruleOf = new HashMap<>();
    private final List<Node> starts = new ArrayList<>();
    private final List<Node> ends = new ArrayList<>();
    private final Deque<Expr> bodies = new ArrayDeque<>(); // of rules that have no nodes yet
    private final Map<Expr, String> repeated = new HashMap<>(); // parts of repetitions that became rules
    private final List<List<Node>> ruleNodes = new ArrayList<>();
    private List<Node> current;
    private int nodes;

    private Compiler() {}

    /** @return the root rule's nodes */
    static Grammar.Program compile(Map<String, Expr> rules, String root) {
        Compiler c = new Compiler();
        rules.forEach(c::declare);
        for (int rule = 0; !c.bodies.isEmpty(); rule++) { // the list grows by the parts of repetitions
            c.current = c.ruleNodes.get(rule);
            c.build(c.bodies.poll(), c.starts.get(rule), c.ends.get(rule));
        }
        BitSet nullable = c.passable(false);
        c.refuseLeftRecursion(nullable);
        BitSet ending = c.passable(true);
        // Of those that wait for each other, the shortest name is the one that somebody wrote.
        c.names.stream()
                .filter(name -> !ending.get(c.ruleOf.get(name)))
                .min(Comparator.comparingInt(String::length))
                .ifPresent(name -> {
                    throw new GrammarException("the rule " + name + " never ends");
                });
        return new Grammar.Program(c.starts, c.ruleOf.get(root), c.byteClasses());
    }

    private int declare(String name, Expr body) {
        if (names.size() == RULES_MAX) {
            throw new GrammarException("too large: expected at most " + RULES_MAX + " rules");
        }
        int rule = names.size();
        names.add(name);
        ruleOf.put(name, rule);
        List<Node> caller = current;
        current = new ArrayList<>();
        ruleNodes.add(current);
        starts.add(node());
        Node end = node();
        end.isEnd = true;
        ends.add(end);
        current = caller;
        bodies.add(body);
        return rule;
    }

    private Node node() {
        if (nodes == NODES_MAX) {
            throw new GrammarException(
                    "too large: its repetitions and alternatives make more than " + NODES_MAX + " states");
        }
        Node node = new Node(nodes++);
        current.add(node);
        return node;
    }

    /** Connects two nodes by an expression. Neither gets edges into {@code from} nor out of {@code to} by it. */
    private void build(Expr expr, Node from, Node to) {
        switch (expr) {
            case Expr.Text text -> {
                byte[] bytes = text.text().getBytes(StandardCharsets.UTF_8);
                Node at = from;
                for (int i = 0; i < bytes.length; i++) {
                    Node next = i == bytes.length - 1 ? to : node();
                    at.bytes.add(new Node.Bytes(bytes[i] & 0xFF, bytes[i] & 0xFF, next));
                    at = next;
                }
                if (bytes.length == 0) {
                    from.empties.add(to);
                }
            }
            case Expr.Chars chars -> characters(chars.set(), from, to);
            case Expr.Seq seq -> {
                Node at = from;
                for (int i = 0; i < seq.parts().size(); i++) {
                    Node next = i == seq.parts().size() - 1 ? to : node();
                    build(seq.parts().get(i), at, next);
                    at = next;
                }
                if (seq.parts().isEmpty()) {
                    from.empties.add(to);
                }
            }
            case Expr.Alt alt -> {
                for (Expr choice : alt.choices()) {
                    build(choice, from, to);
                }
            }
            case Expr.Repeat repeat -> repeat(repeat, from, to);
            case Expr.Ref ref -> from.calls.add(new Node.Call(ruleOf.get(ref.rule()), to));
        }
    }

    private void repeat(Expr.Repeat repeat, Node from, Node to) {
        boolean isCounted = repeat.min() > 1 || repeat.max() > 1;
        Expr part = isCounted ? asRule(repeat.part()) : repeat.part();
        Node at = node();
        from.empties.add(at);
        // The last of a bounded number ends where all end: a call there is the last thing, and need not return.
        for (int i = 0; i < repeat.min(); i++) {
            Node next = i + 1 == repeat.max() ? to : node();
            build(part, at, next);
            at = next;
        }
        if (repeat.max() < 0) {
            Node loop = node();
            Node after = node();
            at.empties.add(loop);
            build(part, loop, after);
            after.empties.add(loop);
            loop.empties.add(to);
            return;
        }
        for (int i = repeat.min(); i < repeat.max(); i++) {
            Node next = i + 1 == repeat.max() ? to : node();
            at.empties.add(to);
            build(part, at, next);
            at = next;
        }
        if (at != to) {
            at.empties.add(to);
        }
    }

    /** What many repetitions share becomes a rule, so that each of them is one node. */
    private Expr asRule(Expr part) {
        boolean isSmall = part instanceof Expr.Ref
                || (part instanceof Expr.Chars chars
                        && chars.set().count() < 4
                        && chars.set().last(chars.set().count() - 1) < 0x80);
        if (isSmall) {
            return part;
        }
        return new Expr.Ref(repeated.computeIfAbsent(part, body -> {
            String name = "part " + (repeated.size() + 1) + " of a repetition";
            declare(name, body);
            return name;
        }));
    }

    private void characters(CodePoints set, Node from, Node to) {
        Node[] continuations = new Node[3]; // before the last 1, 2 and 3 bytes of a character, any of them
        for (int i = 0; i < set.count(); i++) {
            int first = set.first(i);
            for (int bound : new int[] {0x7F, 0x7FF, 0xFFFF, Character.MAX_CODE_POINT}) {
                int last = Math.min(set.last(i), bound);
                if (first <= last) {
                    encoded(first, last, from, to, continuations);
                    first = last + 1;
                }
            }
        }
    }

    /** Adds the UTF-8 sequences of a range of characters of the same length. */
    private void encoded(int first, int last, Node from, Node to, Node[] continuations) {
        for (int bits = 6; bits <= 18; bits += 6) {
            int low = (1 << bits) - 1;
            if ((first & ~low) != (last & ~low)) {
                if ((first & low) != 0) {
                    encoded(first, first | low, from, to, continuations);
                    encoded((first | low) + 1, last, from, to, continuations);
                    return;
                }
                if ((last & low) != low) {
                    encoded(first, (last & ~low) - 1, from, to, continuations);
                    encoded(last & ~low, last, from, to, continuations);
                    return;
                }
            }
        }
        byte[] low = Character.toString(first).getBytes(StandardCharsets.UTF_8);
        byte[] high = Character.toString(last).getBytes(StandardCharsets.UTF_8);
        Node at = from;
        for (int i = 0; i < low.length; i++) {
            int rest = low.length - 1 - i;
            Node next = rest == 0 ? to : isAny(low, high, i + 1) ? continuation(rest, to, continuations) : node();
            at.bytes.add(new Node.Bytes(low[i] & 0xFF, high[i] & 0xFF, next));
            if (rest > 0 && next == continuations[rest - 1]) {
                return;
            }
            at = next;
        }
    }

    private static boolean isAny(byte[] low, byte[] high, int from) {
        for (int i = from; i < low.length; i++) {
            if ((low[i] & 0xFF) != 0x80 || (high[i] & 0xFF) != 0xBF) {
                return false;
            }
        }
        return true;
    }

    private Node continuation(int rest, Node to, Node[] continuations) {
        if (continuations[rest - 1] == null) {
            continuations[rest - 1] = node();
            Node next = rest == 1 ? to : continuation(rest - 1, to, continuations);
            continuations[rest - 1].bytes.add(new Node.Bytes(0x80, 0xBF, next));
        }
        return continuations[rest - 1];
    }

    /**
     * The rules whose end can be reached from their start.
     *
     * @param overBytes whether bytes may be read on the way; else those rules are meant that match nothing
     */
    private BitSet passable(boolean overBytes) {
        List<Set<Integer>> callers = new ArrayList<>();
        starts.forEach(start -> callers.add(new LinkedHashSet<>()));
        Deque<Integer> open = new ArrayDeque<>();
        for (int rule = 0; rule < starts.size(); rule++) {
            int caller = rule;
            ruleNodes
                    .get(rule)
                    .forEach(node ->
                            node.calls.forEach(call -> callers.get(call.rule()).add(caller)));
            open.add(rule);
        }
        BitSet passable = new BitSet();
        while (!open.isEmpty()) {
            int rule = open.poll();
            if (!passable.get(rule) && reach(starts.get(rule), overBytes, passable, null)) {
                passable.set(rule);
                open.addAll(callers.get(rule));
            }
        }
        return passable;
    }

    /** Whether the end of a rule can be reached; collects the rules that are met on the way. */
    private boolean reach(Node start, boolean overBytes, BitSet passable, Set<Integer> met) {
        Set<Node> seen = new HashSet<>();
        Deque<Node> open = new ArrayDeque<>();
        open.add(start);
        boolean reached = false;
        while (!open.isEmpty()) {
            Node node = open.poll();
            if (!seen.add(node)) {
                continue;
            }
            reached |= node.isEnd;
            open.addAll(node.empties);
            for (Node.Call call : node.calls) {
                if (met != null) {
                    met.add(call.rule());
                }
                if (passable.get(call.rule())) {
                    open.add(call.to());
                }
            }
            if (overBytes) {
                node.bytes.forEach(each -> open.add(each.to()));
            }
        }
        return reached;
    }

    /** A rule that calls itself before it has read anything could be followed forever. */
    private void refuseLeftRecursion(BitSet nullable) {
        List<Set<Integer>> leftCalls = new ArrayList<>();
        for (Node start : starts) {
            Set<Integer> met = new LinkedHashSet<>();
            reach(start, false, nullable, met);
            leftCalls.add(met);
        }
        int[] state = new int[names.size()]; // 0 new, 1 on the path, 2 done
        for (int first = 0; first < names.size(); first++) {
            Deque<Integer> path = new ArrayDeque<>();
            Deque<Iterator<Integer>> rests = new ArrayDeque<>();
            if (state[first] == 0) {
                path.addLast(first);
                rests.addLast(leftCalls.get(first).iterator());
                state[first] = 1;
            }
            while (!path.isEmpty()) {
                if (!rests.getLast().hasNext()) {
                    state[path.removeLast()] = 2;
                    rests.removeLast();
                    continue;
                }
                int called = rests.getLast().next();
                if (state[called] == 1) {
                    throw leftRecursion(path, called);
                }
                if (state[called] == 0) {
                    path.addLast(called);
                    rests.addLast(leftCalls.get(called).iterator());
                    state[called] = 1;
                }
            }
        }
    }

    private GrammarException leftRecursion(Deque<Integer> path, int again) {
        StringBuilder way = new StringBuilder();
        boolean isInside = false;
        for (int rule : path) {
            isInside |= rule == again;
            if (isInside) {
                way.append(names.get(rule)).append(" -> ");
            }
        }
        return new GrammarException("the rule " + names.get(again) + " begins with itself: " + way + names.get(again)
                + "; left recursion is not supported");
    }

    /** By byte, the number of its class: bytes of a class are on the same edges everywhere. */
    private int[] byteClasses() {
        boolean[] begins = new boolean[257];
        for (List<Node> each : ruleNodes) {
            for (Node node : each) {
                for (Node.Bytes edge : node.bytes) {
                    begins[edge.first()] = true;
                    begins[edge.last() + 1] = true;
                }
            }
        }
        int[] classes = new int[256];
        for (int b = 1; b < 256; b++) {
            classes[b] = classes[b - 1] + (begins[b] ? 1 : 0);
        }
        return classes;
    }
}
