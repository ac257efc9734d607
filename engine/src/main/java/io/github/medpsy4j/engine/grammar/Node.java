package io.github.medpsy4j.engine.grammar;

import java.util.ArrayList;
import java.util.List;

/** A place inside a rule, and where it leads: over a byte, over nothing, or through another rule. */
final class Node {
    /** Leads over any byte from {@code first} to {@code last}. */
    record Bytes(int first, int last, Node to) {}

    /** Leads through a whole rule. */
    record Call(int rule, Node to) {}

    final int id;
    final List<Bytes> bytes = new ArrayList<>(1);
    final List<Node> empties = new ArrayList<>(0);
    final List<Call> calls = new ArrayList<>(0);
    boolean isEnd;

    Node(int id) {
        this.id = id;
    }

    /** Whether nothing but the end of the rule can come. */
    boolean isOnlyEnd() {
        return isEnd && bytes.isEmpty() && empties.isEmpty() && calls.isEmpty();
    }
}
