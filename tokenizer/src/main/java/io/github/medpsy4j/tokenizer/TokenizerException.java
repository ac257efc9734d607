package io.github.medpsy4j.tokenizer;

/** A vocabulary that cannot work, or a token id that it does not have. The message says which and why. */
public final class TokenizerException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TokenizerException(String message) {
        super(message);
    }
}
