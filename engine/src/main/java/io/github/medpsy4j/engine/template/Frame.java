package io.github.medpsy4j.engine.template;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What is known before rendering about the names of one scope. jinja2 decides when it compiles whether a name is the
 * scope's own: one that a scope assigns before it reads it, and that no scope around it knows, is undefined there until
 * the assignment, even where the caller passed a variable of that name. The parser reports loads and stores in the order
 * in which jinja2 visits them; {@link #resolve} then finds those names.
 */
final class Frame {
    private final Frame parent;
    private final List<Frame> children = new ArrayList<>();
    private final List<Event> events = new ArrayList<>();
    private List<Event> current = events;
    private final Set<String> known = new HashSet<>();
    private Set<String> undefinedAtEntry = Set.of();

    /** Whether the body reads these names, which makes a macro accept what they stand for. */
    boolean readsCaller;

    boolean readsVarargs;
    boolean readsKwargs;

    private sealed interface Event {
        record Load(String name) implements Event {}

        record Store(String name) implements Event {}

        record Branches(List<List<Event>> branches) implements Event {}
    }

    /** The scope within {@code parent}, or with null one that sees only the template's variables. */
    Frame(Frame parent) {
        this.parent = parent;
        if (parent != null) {
            parent.children.add(this);
        }
    }

    Frame parent() {
        return parent;
    }

    /** A parameter or loop variable: defined from the start. */
    void declare(String name) {
        known.add(name);
    }

    void load(String name) {
        current.add(new Event.Load(name));
        for (Frame frame = this; frame != null; frame = frame.parent) {
            switch (name) {
                case "caller" -> frame.readsCaller = true;
                case "varargs" -> frame.readsVarargs = true;
                case "kwargs" -> frame.readsKwargs = true;
                default -> {
                    return;
                }
            }
        }
    }

    void store(String name) {
        current.add(new Event.Store(name));
    }

    /** Opens the first or next body of an {@code if}; what {@link #branches} returned goes in and out. */
    void branch(BranchMark mark) {
        current = new ArrayList<>();
        mark.branches.add(current);
    }

    /** Starts an {@code if}. */
    BranchMark branches() {
        BranchMark mark = new BranchMark(current, new ArrayList<>());
        current.add(new Event.Branches(mark.branches));
        return mark;
    }

    /** Ends an {@code if}. */
    void end(BranchMark mark) {
        current = mark.outer;
    }

    /** Where an {@code if} began. */
    record BranchMark(List<Event> outer, List<List<Event>> branches) {
        @Override
        public String toString() {
            return branches.size() + " branches";
        }
    }

    /** Decides for this frame, whose parents are decided, and all within. */
    void resolve() {
        Names names = new Names(null, known);
        Set<String> undefined = new HashSet<>();
        visit(events, names, undefined);
        undefinedAtEntry = Set.copyOf(undefined);
        events.clear();
        children.forEach(Frame::resolve);
        children.clear();
    }

    /** Names that must read as undefined until the scope assigns them. */
    Set<String> undefinedAtEntry() {
        return undefinedAtEntry;
    }

    /** Names known within one branch, beside those of the code around it. */
    private record Names(Names outer, Set<String> known) {
        boolean knows(String name) {
            return known.contains(name) || (outer != null && outer.knows(name));
        }
    }

    private void visit(List<Event> list, Names names, Set<String> undefined) {
        for (Event event : list) {
            switch (event) {
                case Event.Load(String name) -> {
                    if (!names.knows(name)) {
                        names.known.add(name);
                    }
                }
                case Event.Store(String name) -> {
                    // In a branch (names.outer is set) the name may still be the caller's variable.
                    if (!names.knows(name)) {
                        names.known.add(name);
                        if (names.outer == null && !knownOutside(name)) {
                            undefined.add(name);
                        }
                    }
                }
                case Event.Branches(List<List<Event>> branches) -> {
                    List<Names> results = new ArrayList<>();
                    for (List<Event> branch : branches) {
                        Names inner = new Names(names, new HashSet<>());
                        visit(branch, inner, undefined);
                        results.add(inner);
                    }
                    for (Names result : results) {
                        names.known.addAll(result.known);
                    }
                }
            }
        }
    }

    private boolean knownOutside(String name) {
        for (Frame frame = parent; frame != null; frame = frame.parent) {
            if (frame.known.contains(name)) {
                return true;
            }
        }
        return false;
    }
}
