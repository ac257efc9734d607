package io.github.medpsy4j.models;

/** The bytes are not the ones that the catalogue's size and sha256 stand for. */
public final class WrongContentException extends ModelsException {
    private static final long serialVersionUID = 1L;

    WrongContentException(String message) {
        super(message);
    }
}
