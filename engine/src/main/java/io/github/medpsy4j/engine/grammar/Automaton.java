package io.github.medpsy4j.engine.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Follows a grammar over bytes, all possible ways at once. A way is a {@link Frame}: a place in a rule and the places to
 * return to. A {@link State} is the set of ways that are left; states are made when they are first reached and kept,
 * with where each class of bytes leads, so that following known ones is a look-up. For one thread.
 */
final class Automaton {
    /** Rules within rules that are followed; what would nest deeper is not allowed to begin. */
    static final int DEPTH_MAX = 1_000;

    /** Ways in one state, and frames looked at to find them: a more ambiguous grammar is given up. */
    private static final int WAYS_MAX = 10_000;

    /** States and frames kept; beyond, states are made anew each time, until {@link #forgetAllBut}. */
    private static final int KEPT_MAX = 50_000;

    /** A place in a rule, and where that rule's end returns to; null for the end of all. */
    static final class Frame {
        final int id;
        final Node node;
        final Frame parent;
        final int depth;

        Frame(int id, Node node, Frame parent) {
            this.id = id;
            this.node = node;
            this.parent = parent;
            this.depth = parent == null ? 0 : parent.depth + 1;
        }
    }

    /** The ways that are left after some bytes. */
    static final class State {
        final Frame[] ways; // each at a node with edges over bytes; by id
        /** Whether the text may end here. */
        final boolean isComplete;

        /** By class of bytes; null where nobody has been. */
        private final State[] next;

        State(Frame[] ways, boolean isComplete, int classes) {
            this.ways = ways;
            this.isComplete = isComplete;
            this.next = new State[classes];
        }

        boolean isDead() {
            return ways.length == 0 && !isComplete;
        }

        /** Whether nothing more can come. */
        boolean isAtEnd() {
            return ways.length == 0;
        }
    }

    private record FrameKey(Node node, Frame parent) {}

    private record StateKey(List<Integer> ways, boolean isComplete) {}

    private final Grammar.Program program;
    private final int classes;
    private final State dead;
    private final Map<FrameKey, Frame> frames = new HashMap<>();
    private final Map<StateKey, State> states = new HashMap<>();
    private boolean isFull;
    private int frameIds;
    private long work;

    Automaton(Grammar.Program program) {
        this.program = program;
        this.classes = program.byteClasses[255] + 1;
        this.dead = new State(new Frame[0], false, classes);
    }

    /** Before the first byte. */
    State start() {
        return close(List.of(frame(program.starts.get(program.root), null)));
    }

    /** Where a byte leads; a dead state if nowhere. */
    State step(State from, int b) {
        int byteClass = program.byteClasses[b];
        State to = from.next[byteClass];
        if (to != null) {
            return to;
        }
        List<Frame> after = new ArrayList<>();
        for (Frame way : from.ways) {
            for (Node.Bytes edge : way.node.bytes) {
                if (edge.first() <= b && b <= edge.last()) {
                    after.add(frame(edge.to(), way.parent));
                }
            }
        }
        work += 1 + from.ways.length;
        to = after.isEmpty() ? dead : close(after);
        if (!isFull) {
            from.next[byteClass] = to;
        }
        return to;
    }

    /** How much has been followed so far that was not known, in frames. */
    long work() {
        return work;
    }

    /** Whether nothing more is kept. */
    boolean isFull() {
        return isFull;
    }

    /** Forgets all states but one, which is given back as a new one. */
    State forgetAllBut(State kept) {
        frames.clear();
        states.clear();
        isFull = false;
        return new State(kept.ways, kept.isComplete, classes);
    }

    private Frame frame(Node node, Frame parent) {
        return frames.computeIfAbsent(new FrameKey(node, parent), key -> new Frame(frameIds++, node, parent));
    }

    /** All ways to the next byte. */
    private State close(List<Frame> begin) {
        if (frames.size() + states.size() > KEPT_MAX) {
            isFull = true;
            frames.clear(); // two frames of one place are two ways from now on, which costs time only
            states.clear();
        }
        Set<Frame> seen = new HashSet<>();
        List<Frame> ways = new ArrayList<>();
        boolean isComplete = false;
        Deque<Frame> open = new ArrayDeque<>(begin);
        while (!open.isEmpty()) {
            Frame frame = open.poll();
            if (!seen.add(frame)) {
                continue;
            }
            if (seen.size() > WAYS_MAX) {
                throw new GrammarException(
                        "the grammar is too ambiguous: a text can be read in more than " + WAYS_MAX + " ways");
            }
            Node node = frame.node;
            if (node.isEnd) {
                if (frame.parent == null) {
                    isComplete = true;
                } else {
                    open.add(frame.parent);
                }
            }
            for (Node empty : node.empties) {
                open.add(frame(empty, frame.parent));
            }
            for (Node.Call call : node.calls) {
                // A call that is the last thing in its rule returns to where that rule does.
                Frame back = call.to().isOnlyEnd() ? frame.parent : frame(call.to(), frame.parent);
                if (back == null || back.depth < DEPTH_MAX) {
                    open.add(frame(program.starts.get(call.rule()), back));
                }
            }
            if (!node.bytes.isEmpty()) {
                ways.add(frame);
            }
        }
        work += seen.size();
        ways.sort(Comparator.comparingInt(way -> way.id));
        StateKey key = new StateKey(ways.stream().map(way -> way.id).toList(), isComplete);
        State known = states.get(key);
        if (known == null) {
            known = new State(ways.toArray(Frame[]::new), isComplete, classes);
            states.put(key, known);
        }
        return known;
    }
}
