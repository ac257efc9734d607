package io.github.medpsy4j.engine;

import io.github.medpsy4j.tokenizer.Decoder;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * One answer as its tokens are drawn: text, thinking apart from the answer proper, the thinking budget, and stop texts,
 * which count in the answer alone.
 */
final class AnswerStream implements TokenText {
    private final Tokenizer tokenizer;
    private final Decoder decoder;
    private final Thinking thinking;
    private final StopTexts stops;
    private final int thinkBudget;
    private final Consumer<int[]> force;
    private final Predicate<ChatToken> listener;
    private final ToolCallStream calls; // null where no tool may be called
    private final StringBuilder raw = new StringBuilder();
    private final StringBuilder answer = new StringBuilder();
    private final StringBuilder thoughts = new StringBuilder();
    private int[] tokens = new int[256];
    private int count;
    private int answerChars;
    private int keptAnswerChars; // of those, what stands before a stop text
    private int thoughtTokens;
    private boolean goesOn = true;

    /**
     * @param opensThinking whether the prompt ends inside an opened thinking
     * @param force receives the tokens that must come next, to close the thinking
     */
    AnswerStream(
            Tokenizer tokenizer,
            boolean opensThinking,
            ChatOptions options,
            Consumer<int[]> force,
            Predicate<ChatToken> listener) {
        this.tokenizer = tokenizer;
        this.decoder = tokenizer.decoder(false, true);
        this.thinking = new Thinking(opensThinking, this::divided);
        this.stops = new StopTexts(options.stops());
        this.thinkBudget = options.thinkBudget();
        this.force = force;
        this.listener = listener;
        this.calls = options.tools().areOffered()
                ? new ToolCallStream(options.tools().names(), piece -> say(piece, false), this::call)
                : null;
    }

    @Override
    public boolean accept(int token) {
        if (count == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * count);
        }
        tokens[count++] = token;
        boolean wasThinking = thinking.isThinking();
        text(decoder.accept(token));
        // The opening mark itself is not thinking yet, so it does not count.
        if (wasThinking && thinking.isThinking() && ++thoughtTokens == thinkBudget) {
            force.accept(tokenizer.encodeWithSpecials("\n" + Thinking.CLOSE + "\n\n"));
        }
        return goesOn && !stops.isFound();
    }

    @Override
    public void end() {
        text(decoder.flush());
        thinking.end();
        answered(stops.flush());
        if (calls != null) {
            calls.end();
        }
    }

    private void text(String piece) {
        raw.append(piece);
        thinking.accept(piece);
    }

    private void divided(String piece, boolean isThinking) {
        if (isThinking) {
            say(piece, true);
        } else {
            answerChars += piece.length();
            answered(stops.accept(piece));
        }
    }

    private void answered(String kept) {
        keptAnswerChars += kept.length();
        if (calls == null) {
            say(kept, false);
        } else {
            calls.accept(kept);
        }
    }

    private void call(ToolCall.Delta delta) {
        goesOn &= listener.test(new ChatToken("", false, delta));
    }

    private void say(String piece, boolean isThinking) {
        if (!piece.isEmpty()) {
            (isThinking ? thoughts : answer).append(piece);
            goesOn &= listener.test(new ChatToken(piece, isThinking));
        }
    }

    @Override
    public String answer() {
        return answer.toString();
    }

    @Override
    public List<ToolCall> toolCalls() {
        return calls == null ? List.of() : calls.calls();
    }

    @Override
    public String toolCallFault() {
        return calls == null ? "" : calls.fault();
    }

    @Override
    public String thoughts() {
        return thoughts.toString();
    }

    /** All that the tokens spell. */
    String raw() {
        return raw.toString();
    }

    int[] tokens() {
        return Arrays.copyOf(tokens, count);
    }

    @Override
    public boolean isStopped() {
        return stops.isFound();
    }

    /** How much of {@link #raw} was kept: all of it, or what stands before a stop text. */
    int keptChars() {
        return raw.length() - answerChars + keptAnswerChars;
    }

    /** How many of the tokens spell exactly the part of {@link #raw} that was kept; -1 if a token straddles its end. */
    int keptTokens() {
        if (keptChars() == raw.length()) {
            return count;
        }
        Decoder again = tokenizer.decoder(false, true);
        int chars = 0;
        for (int i = 0; i < count; i++) {
            chars += again.accept(tokens[i]).length();
            if (chars >= keptChars()) {
                // Bytes of an unfinished character would belong to what was cut off.
                return chars == keptChars() && again.flush().isEmpty() ? i + 1 : -1;
            }
        }
        return -1;
    }
}
