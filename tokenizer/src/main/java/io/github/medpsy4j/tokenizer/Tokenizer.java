package io.github.medpsy4j.tokenizer;

import io.github.medpsy4j.tokenizer.Vocabulary.Model;
import io.github.medpsy4j.tokenizer.Vocabulary.TokenType;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * Text to token ids and back. Immutable, and shared by threads.
 *
 * <p>Special tokens (control, user-defined and unknown ones) match only where the caller says so; elsewhere their
 * spelling is text like any other. A surrogate without its other half is encoded as U+FFFD. No method adds a token that
 * the text does not spell, but {@link #encodeRaw}.
 *
 * <p>Ids equal those of the published tokenizers (Hugging Face's {@code tokenizers}); for SentencePiece, those of
 * llama.cpp.
 */
public final class Tokenizer {
    private static final byte TEXT = 0;
    private static final byte HIDDEN = 1;
    private static final byte END_OF_GENERATION = 2;

    private final Vocabulary vocabulary;
    private final Bpe bpe;
    private final SpecialTokens specials;
    /** By id: a sum of the above. */
    private final byte[] kinds;

    private Tokenizer(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
        bpe = vocabulary.model() == Model.BYTE_LEVEL_BPE
                ? new ByteLevelBpe(vocabulary)
                : new SentencePieceBpe(vocabulary);
        specials = new SpecialTokens(vocabulary);
        kinds = new byte[vocabulary.size()];
        for (int id = 0; id < kinds.length; id++) {
            if (vocabulary.isNormal(id)) {
                continue;
            }
            TokenType type = vocabulary.type(id);
            boolean hidden = type == TokenType.CONTROL || type == TokenType.UNKNOWN || type == TokenType.UNUSED;
            kinds[id] = hidden ? HIDDEN : TEXT;
        }
        for (int id : vocabulary.endOfGeneration()) {
            kinds[id] |= END_OF_GENERATION;
        }
    }

    /**
     * Builds the tables for a vocabulary.
     *
     * @throws TokenizerException if its tokens and merges do not fit together
     */
    public static Tokenizer of(Vocabulary vocabulary) {
        return new Tokenizer(Objects.requireNonNull(vocabulary, "vocabulary"));
    }

    public Vocabulary vocabulary() {
        return vocabulary;
    }

    /** The ids of a text in which no special token matches. */
    public int[] encode(String text) {
        return encode(text, TrustedSpans.none());
    }

    /** The ids of a text in which special tokens match everywhere. */
    public int[] encodeWithSpecials(String text) {
        return encode(text, TrustedSpans.all(text.length()));
    }

    /**
     * The ids of a text in which a special token matches where it lies wholly inside a trusted span. Text between two
     * that match is one stretch, whatever the spans in it.
     */
    public int[] encode(String text, TrustedSpans trusted) {
        IntList ids = new IntList(text.length() / 3);
        encode(text, trusted, ids);
        return ids.toArray();
    }

    /**
     * The ids of a prompt that no template made: special tokens match, and the beginning and end of sequence are added
     * where the vocabulary asks for them and the text does not spell them already.
     */
    public int[] encodeRaw(String text) {
        IntList ids = new IntList(text.length() / 3 + 2);
        OptionalInt bos = vocabulary.bos();
        OptionalInt eos = vocabulary.eos();
        int[] spelled = encodeWithSpecials(text);
        if (vocabulary.addBos() && (spelled.length == 0 || spelled[0] != bos.getAsInt())) {
            ids.add(bos.getAsInt());
        }
        for (int id : spelled) {
            ids.add(id);
        }
        if (vocabulary.addEos() && (spelled.length == 0 || spelled[spelled.length - 1] != eos.getAsInt())) {
            ids.add(eos.getAsInt());
        }
        return ids.toArray();
    }

    private void encode(String text, TrustedSpans trusted, IntList ids) {
        if (text.isEmpty()) {
            return;
        }
        Bpe.Run run = bpe.run();
        int start = 0;
        if (trusted.count() > 0 || specials.someMatchAnywhere()) {
            int at = 0;
            while (at < text.length()) {
                long match = specials.match(text, at, trusted);
                if (match == SpecialTokens.NONE) {
                    at++;
                    continue;
                }
                if (start < at) {
                    run.encode(text, start, at, ids);
                }
                ids.add((int) match);
                at = (int) (match >>> 32);
                start = at;
            }
        }
        if (start < text.length()) {
            run.encode(text, start, text.length(), ids);
        }
    }

    /** The special token that is spelled {@code text}, if there is one. */
    public OptionalInt special(String text) {
        int id = specials.idOf(text);
        return id == Pieces.NONE ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** The text of ids, without special tokens that are not text: control, unknown and unused ones. */
    public String decode(int[] ids) {
        return decode(ids, false);
    }

    /** The text of ids, as {@link #decoder(boolean, boolean)} at the start of a text gives it. */
    public String decode(int[] ids, boolean showSpecials) {
        Decoder decoder = decoder(true, showSpecials);
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(decoder.accept(id));
        }
        return text.append(decoder.flush()).toString();
    }

    /** A decoder for one stream of ids that starts a text, without special tokens. */
    public Decoder decoder() {
        return decoder(true, false);
    }

    /**
     * A decoder for one stream of ids.
     *
     * @param startsText whether the ids start a text: then the space is dropped that {@code add_space_prefix} had put in
     *     front of it; a continuation of a prompt keeps its space
     * @param showSpecials whether control, unknown and unused tokens appear with their spelling
     */
    public Decoder decoder(boolean startsText, boolean showSpecials) {
        return new Decoder(this, startsText && vocabulary.addSpacePrefix(), showSpecials);
    }

    /**
     * The bytes that a token stands for; for a special token those of its spelling. They need not be whole characters.
     *
     * @throws TokenizerException if there is no such token
     */
    public byte[] bytesOf(int id) {
        return bpe.pieces().bytesOf(checked(id));
    }

    /** Whether a token steers the model and is no text. */
    public boolean isControl(int id) {
        return vocabulary.type(id) == TokenType.CONTROL;
    }

    /** Whether a token ends an answer. */
    public boolean isEndOfGeneration(int id) {
        return (kinds[checked(id)] & END_OF_GENERATION) != 0;
    }

    Pieces pieces() {
        return bpe.pieces();
    }

    boolean isUserDefined(int id) {
        return vocabulary.type(id) == TokenType.USER_DEFINED;
    }

    boolean isHidden(int id) {
        return (kinds[id] & HIDDEN) != 0;
    }

    int checked(int id) {
        return vocabulary.checked(id);
    }
}
