package io.github.medpsy4j.models;

/**
 * What an {@link Obtainer} may do.
 *
 * @param isOffline whether no connection may be opened
 * @param asksAlways whether a default whose sources did not answer lately is asked for again at once
 * @param isForced whether to pull what fits neither memory nor disk
 * @param memoryBytes what the machine, or its container, has; 0 leaves memory unchecked
 * @param contextTokens the context that memory is to suffice for
 * @param chooser asked where a name leaves open which file of a repository is meant
 */
public record ObtainOptions(
        boolean isOffline,
        boolean asksAlways,
        boolean isForced,
        long memoryBytes,
        int contextTokens,
        HubChooser chooser) {
    /** The context that is planned for where none is given. */
    public static final int CONTEXT_TOKENS = 4096;

    /** Pulls what is missing, checks the disk and not the memory, takes the usual file. */
    public static ObtainOptions defaults() {
        return new ObtainOptions(false, false, false, 0, CONTEXT_TOKENS, HubChooser.USUAL);
    }

    public ObtainOptions withOffline(boolean value) {
        return new ObtainOptions(value, asksAlways, isForced, memoryBytes, contextTokens, chooser);
    }

    public ObtainOptions withAsksAlways(boolean value) {
        return new ObtainOptions(isOffline, value, isForced, memoryBytes, contextTokens, chooser);
    }

    public ObtainOptions withForced(boolean value) {
        return new ObtainOptions(isOffline, asksAlways, value, memoryBytes, contextTokens, chooser);
    }

    public ObtainOptions withMemory(long bytes, int context) {
        return new ObtainOptions(isOffline, asksAlways, isForced, bytes, context, chooser);
    }

    public ObtainOptions withChooser(HubChooser value) {
        return new ObtainOptions(isOffline, asksAlways, isForced, memoryBytes, contextTokens, value);
    }
}
