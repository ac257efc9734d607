package io.github.medpsy4j.engine.grammar;

import io.github.medpsy4j.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Follows one generation through a {@link Grammar}: says which tokens may come next. Tokens may end within a character.
 * End tokens may come where the text is complete, and only there. Unlike sampling without a grammar it allocates as it
 * meets new states of the grammar. For one thread.
 */
public final class Constraint {
    /** Masks kept; 19 kB each with 151,936 tokens. */
    private static final int MASKS_MAX = 128;

    /** Bounds the time that a hostile grammar can take for one mask, to about a second. */
    private static final long WORK_MAX = 10_000_000;

    private static final String OPEN = "<think>";
    private static final byte[] CLOSE = "</think>".getBytes(StandardCharsets.UTF_8);

    private enum Phase {
        /** Nothing has come yet: a thinking may open. */
        START,
        THINKING,
        /** The thinking has been closed: white space may stand before the text. */
        CLOSED,
        TEXT,
        /** Anything may come; the grammar's text follows where its trigger has come. */
        FREE,
        /** Nothing but the end may come. */
        DONE
    }

    /** White space between the end of the thinking and the text: so many tokens at most. */
    private static final int SPACES_MAX = 3;

    private final Tokenizer tokenizer;
    private final TokenTrie trie;
    private final Automaton automaton;
    private final boolean mayThink;
    private final boolean recurs;
    private final byte[] trigger; // empty where all of the text is constrained
    private final int[] triggerBorder; // by matched bytes, how many of them may begin another match
    private final int openToken; // -1 if there is to be none
    private final Map<Automaton.State, long[]> masks = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Automaton.State, long[]> eldest) {
            return size() > MASKS_MAX;
        }
    };
    private Phase phase;
    private Automaton.State state;
    private byte[] tail = {}; // of the thinking: what may begin its closing mark
    private int spaces;
    private int triggered; // bytes of the trigger that the text ends with

    Constraint(Grammar grammar, Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        this.trie = TokenTrie.of(tokenizer);
        this.automaton = new Automaton(grammar.program());
        this.mayThink = grammar.isAfterThinking();
        this.recurs = grammar.recurs();
        this.trigger =
                grammar.trigger() == null ? new byte[0] : grammar.trigger().getBytes(StandardCharsets.UTF_8);
        this.triggerBorder = borders(trigger);
        OptionalInt open = tokenizer.special(OPEN);
        openToken = mayThink && open.isPresent() ? open.getAsInt() : -1;
        state = automaton.start();
        phase = mayThink ? Phase.START : textPhase();
        if (trie.endToken() < 0) {
            throw new GrammarException("the vocabulary has no end token, so a text could not end with its grammar");
        }
    }

    private boolean waits() {
        return trigger.length > 0;
    }

    private Phase textPhase() {
        return waits() ? Phase.FREE : Phase.TEXT;
    }

    /** For each beginning of a text the length of its longest proper end that begins the text too (Knuth, Morris, Pratt). */
    private static int[] borders(byte[] text) {
        int[] borders = new int[text.length + 1];
        int border = 0;
        for (int i = 1; i < text.length; i++) {
            while (border > 0 && text[i] != text[border]) {
                border = borders[border];
            }
            border += text[i] == text[border] ? 1 : 0;
            borders[i + 1] = border;
        }
        return borders;
    }

    /**
     * Says what the generation continues. Where a thinking may come first, a prompt that ends with its opening mark is
     * followed by the rest of it, and one that ends with its closing mark by none.
     */
    public void begin(int[] prompt, int length) {
        if (!mayThink) {
            return;
        }
        String end = "";
        for (int i = length - 1; i >= 0 && end.length() < CLOSE.length; i--) {
            end = (new String(tokenizer.bytesOf(prompt[i]), StandardCharsets.ISO_8859_1) + end).stripTrailing();
        }
        if (end.endsWith(OPEN)) {
            phase = Phase.THINKING;
        } else if (end.endsWith("</think>")) {
            phase = waits() ? Phase.FREE : Phase.CLOSED;
        }
    }

    /** Whether a token may come next. */
    public boolean accepts(int token) {
        return switch (phase) {
            case START -> token == openToken || (waits() ? isFree(token) : continues(token));
            case THINKING -> !trie.isEnd(token);
            case CLOSED -> isSpace(token) || continues(token);
            case TEXT -> continues(token);
            case FREE -> isFree(token);
            case DONE -> trie.isEnd(token);
        };
    }

    /**
     * Goes on by a token.
     *
     * @throws IllegalArgumentException if it may not come next
     */
    public void accept(int token) {
        if (!accepts(token)) {
            throw new IllegalArgumentException("token " + token + " does not follow the grammar");
        }
        switch (phase) {
            case START -> {
                phase = token == openToken ? Phase.THINKING : textPhase();
                if (phase == Phase.TEXT) {
                    advance(token);
                } else if (phase == Phase.FREE) {
                    watch(token);
                }
            }
            case THINKING -> think(token);
            case CLOSED -> {
                if (isSpace(token)) {
                    spaces++;
                } else {
                    phase = Phase.TEXT;
                    advance(token);
                }
            }
            case TEXT -> advance(token);
            case FREE -> watch(token);
            case DONE -> {}
        }
    }

    /** Whether the text may end here. */
    public boolean isComplete() {
        return switch (phase) {
            case THINKING -> false;
            case FREE, DONE -> true;
            case START -> waits() || state.isComplete;
            case CLOSED, TEXT -> state.isComplete;
        };
    }

    /** Whether nothing but the end may come. */
    public boolean mustEnd() {
        return phase == Phase.DONE || (phase != Phase.THINKING && state.isAtEnd() && state.isComplete);
    }

    /** A token that ends the text. */
    public int endToken() {
        return trie.endToken();
    }

    /**
     * Takes every token that may not come next its chance.
     *
     * @param logits [vocabulary] set to negative infinity for those
     * @return one that may come
     * @throws GrammarException if no token may come: the vocabulary cannot spell what the grammar asks for
     */
    public int mask(float[] logits) {
        boolean isLoose = phase == Phase.THINKING
                || phase == Phase.FREE
                || phase == Phase.DONE
                || (phase == Phase.START && waits());
        long[] allowed = isLoose ? null : allowed();
        int some = -1;
        for (int id = 0; id < logits.length; id++) {
            boolean may = isLoose
                    ? accepts(id)
                    : (allowed[id >> 6] & 1L << id) != 0
                            || (phase == Phase.START && id == openToken)
                            || (phase == Phase.CLOSED && isSpace(id));
            if (may) {
                some = id;
            } else {
                logits[id] = Float.NEGATIVE_INFINITY;
            }
        }
        if (some < 0) {
            throw new GrammarException("no token of the vocabulary continues the text as the grammar wants it");
        }
        return some;
    }

    private long[] allowed() {
        long[] mask = masks.get(state);
        if (mask == null) {
            mask = trie.allowed(automaton, state, WORK_MAX);
            masks.put(state, mask);
        }
        return mask;
    }

    private boolean continues(int token) {
        if (trie.isEnd(token)) {
            return state.isComplete;
        }
        byte[] bytes = trie.bytesOf(token);
        Automaton.State to = state;
        for (byte each : bytes) {
            to = automaton.step(to, each & 0xFF);
            if (to.isDead()) {
                return false;
            }
        }
        return bytes.length > 0;
    }

    private byte[] bytesOf(int token) {
        byte[] bytes = trie.bytesOf(token);
        return bytes.length > 0 ? bytes : tokenizer.bytesOf(token); // a mark may be a control token
    }

    private int match(int matched, byte next) {
        int length = matched;
        while (length > 0 && trigger[length] != next) {
            length = triggerBorder[length];
        }
        return trigger[length] == next ? length + 1 : 0;
    }

    /** Where in a token's bytes the trigger ends; -1 if it does not. */
    private int triggerEnd(byte[] bytes) {
        int matched = triggered;
        for (int i = 0; i < bytes.length; i++) {
            matched = match(matched, bytes[i]);
            if (matched == trigger.length) {
                return i + 1;
            }
        }
        return -1;
    }

    /** Whether what a token says after the trigger, if anything, begins the grammar's text. */
    private boolean isFree(int token) {
        if (trie.isEnd(token)) {
            return true;
        }
        byte[] bytes = bytesOf(token);
        int from = triggerEnd(bytes);
        if (from < 0 || from == bytes.length) {
            return true;
        }
        Automaton.State to = automaton.start();
        for (int i = from; i < bytes.length; i++) {
            to = automaton.step(to, bytes[i] & 0xFF);
        }
        return !to.isDead();
    }

    private void watch(int token) {
        if (trie.isEnd(token)) {
            return;
        }
        byte[] bytes = bytesOf(token);
        int from = triggerEnd(bytes);
        if (from < 0) {
            for (byte each : bytes) {
                triggered = match(triggered, each);
            }
            return;
        }
        phase = Phase.TEXT;
        triggered = 0;
        state = automaton.start();
        for (int i = from; i < bytes.length; i++) {
            state = automaton.step(state, bytes[i] & 0xFF);
        }
    }

    private void advance(int token) {
        if (trie.isEnd(token)) {
            return;
        }
        for (byte each : trie.bytesOf(token)) {
            state = automaton.step(state, each & 0xFF);
        }
        if (waits() && state.isAtEnd() && state.isComplete) {
            phase = recurs ? Phase.FREE : Phase.DONE;
            state = automaton.start();
        }
        if (automaton.isFull()) {
            state = automaton.forgetAllBut(state);
            masks.clear();
        }
    }

    private void think(int token) {
        byte[] bytes = tokenizer.bytesOf(token);
        byte[] all = Arrays.copyOf(tail, tail.length + bytes.length);
        System.arraycopy(bytes, 0, all, tail.length, bytes.length);
        for (int i = 0; i + CLOSE.length <= all.length; i++) {
            if (Arrays.equals(all, i, i + CLOSE.length, CLOSE, 0, CLOSE.length)) {
                phase = waits() ? Phase.FREE : Phase.CLOSED;
                return;
            }
        }
        tail = Arrays.copyOfRange(all, Math.max(0, all.length - CLOSE.length + 1), all.length);
    }

    private boolean isSpace(int token) {
        byte[] bytes = trie.bytesOf(token);
        for (byte each : bytes) {
            if (each != ' ' && each != '\n' && each != '\r' && each != '\t') {
                return false;
            }
        }
        return bytes.length > 0 && spaces < SPACES_MAX;
    }
}
