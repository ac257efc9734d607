package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.template.Origin;
import io.github.medpsy4j.engine.template.RenderedPrompt;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The latest prompt and answer of a conversation as text and as tokens. A model may spell its words with other tokens
 * than a tokenizer would choose; where the next prompt repeats an answer, the tokens that were drawn stand for it, so
 * that the KV cache behind them stays good.
 *
 * <p>Tokens are taken over up to a cut only: the end of an answer. Elsewhere a text that goes on differently could have
 * been tokenized differently from the beginning of a word on.
 */
final class Transcript {
    /** The first {@code tokens} tokens spell the first {@code chars} characters. */
    record Cut(int chars, int tokens) {
        static final Cut NONE = new Cut(0, 0);
    }

    private String text = "";
    /** Start and end of each run of untrusted characters of the text, ascending. */
    private int[] content = {};

    private int[] tokens = {};
    private final List<Cut> cuts = new ArrayList<>();

    Transcript() {}

    /** @throws IllegalArgumentException if the parts do not fit together */
    Transcript(String text, int[] content, int[] tokens, List<Cut> cuts) {
        for (int i = 0; i < content.length; i++) {
            if (content[i] < (i == 0 ? 0 : content[i - 1]) || content[i] > text.length()) {
                throw new IllegalArgumentException("run " + i + " of content: not ascending inside the text");
            }
        }
        Cut before = Cut.NONE;
        for (Cut cut : cuts) {
            if (cut.chars < before.chars
                    || cut.tokens < before.tokens
                    || cut.chars > text.length()
                    || cut.tokens > tokens.length) {
                throw new IllegalArgumentException(cut + ": not ascending inside the text");
            }
            before = cut;
        }
        this.text = text;
        this.content = content;
        this.tokens = tokens;
        this.cuts.addAll(cuts);
    }

    String text() {
        return text;
    }

    int[] content() {
        return content;
    }

    int[] tokens() {
        return tokens;
    }

    List<Cut> cuts() {
        return cuts;
    }

    /** A prompt whose tokens are those of this transcript as far as it says the same, and from there the tokenizer's. */
    Prompt tokenize(Tokenizer tokenizer, RenderedPrompt prompt) {
        int common = commonPrefix(prompt);
        for (int i = cuts.size() - 1; i >= 0; i--) {
            Cut cut = cuts.get(i);
            if (cut.chars > common || goesOnAsAnswer(prompt, cut.chars)) {
                continue;
            }
            int[] rest = Prompt.tokenize(tokenizer, prompt, cut.chars);
            // The space that such a vocabulary puts in front of a text does not belong in its middle.
            if (tokenizer.vocabulary().addSpacePrefix() && rest.length > 0 && !tokenizer.isControl(rest[0])) {
                continue;
            }
            int[] all = Arrays.copyOf(tokens, cut.tokens + rest.length);
            System.arraycopy(rest, 0, all, cut.tokens, rest.length);
            return new Prompt(prompt, all, cut);
        }
        return new Prompt(prompt, Prompt.tokenize(tokenizer, prompt, 0), Cut.NONE);
    }

    /** Whether an answer was lengthened: its tokens are then better chosen anew. */
    private static boolean goesOnAsAnswer(RenderedPrompt prompt, int at) {
        for (RenderedPrompt.Span span : prompt.spans()) {
            if (at < span.end()) {
                return span.origin() == Origin.ASSISTANT;
            }
        }
        return false;
    }

    /** Characters that are the same and of the same trust. */
    private int commonPrefix(RenderedPrompt prompt) {
        String other = prompt.text();
        int n = Math.min(text.length(), other.length());
        int same = 0;
        while (same < n && text.charAt(same) == other.charAt(same)) {
            same++;
        }
        int[] otherContent = contentOf(prompt);
        for (int i = 0; ; i++) {
            // Where the bounds part, the trust differs from the lesser of them on.
            int mine = i < content.length ? content[i] : text.length();
            int its = i < otherContent.length ? otherContent[i] : other.length();
            if (mine != its) {
                return Math.min(same, Math.min(mine, its));
            }
            if (i >= content.length || i >= otherContent.length) {
                return same;
            }
        }
    }

    private static int[] contentOf(RenderedPrompt prompt) {
        List<RenderedPrompt.Span> runs = prompt.spans().stream()
                .filter(span -> span.origin() == Origin.CONTENT)
                .toList();
        int[] bounds = new int[2 * runs.size()];
        for (int i = 0; i < runs.size(); i++) {
            bounds[2 * i] = runs.get(i).start();
            bounds[2 * i + 1] = runs.get(i).end();
        }
        return bounds;
    }

    /** The session now holds this prompt. */
    void prompt(Prompt prompt) {
        text = prompt.rendered().text();
        content = contentOf(prompt.rendered());
        tokens = prompt.tokens();
        cuts.removeIf(cut -> cut.chars > prompt.takenOver().chars());
    }

    /**
     * The model said this next.
     *
     * @param kept how much of it will stand in the conversation; {@code keptTokens} below 0 if no tokens spell just that
     */
    void answer(String raw, int[] ids, int kept, int keptTokens) {
        if (keptTokens >= 0) {
            cuts.add(new Cut(text.length() + kept, tokens.length + keptTokens));
        }
        text += raw;
        int promptTokens = tokens.length;
        tokens = Arrays.copyOf(tokens, promptTokens + ids.length);
        System.arraycopy(ids, 0, tokens, promptTokens, ids.length);
    }
}
