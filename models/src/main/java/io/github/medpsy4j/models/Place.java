package io.github.medpsy4j.models;

/** Whose a model's file on this machine is. */
public enum Place {
    /** The store's: pulled or put there; {@link ModelStore#remove(String)} may delete it. */
    OWN("own"),
    /** In the cache of Hugging Face's own tools; used in place. */
    HUGGING_FACE("Hugging Face cache"),
    /** Among Ollama's models; used in place. */
    OLLAMA("Ollama"),
    /** Among LM Studio's models; used in place. */
    LM_STUDIO("LM Studio");

    private final String label;

    Place(String label) {
        this.label = label;
    }

    /** Returns the name for people. */
    public String label() {
        return label;
    }
}
