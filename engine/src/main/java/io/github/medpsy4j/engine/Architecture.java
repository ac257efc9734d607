package io.github.medpsy4j.engine;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * What distinguishes the architectures that the one forward pass runs. A new Qwen- or Llama-like model is a line here.
 */
enum Architecture {
    LLAMA("llama", Rope.Style.NORMAL, false),
    QWEN2("qwen2", Rope.Style.NEOX, false),
    QWEN3("qwen3", Rope.Style.NEOX, true);

    /** The value of {@code general.architecture} and the prefix of the architecture's metadata keys. */
    final String key;

    final Rope.Style rope;

    /** Whether each query and key head is RMS-normalized before RoPE. */
    final boolean normalizesHeads;

    Architecture(String key, Rope.Style rope, boolean normalizesHeads) {
        this.key = key;
        this.rope = rope;
        this.normalizesHeads = normalizesHeads;
    }

    static Architecture of(String key, String file) throws ModelException {
        for (Architecture a : values()) {
            if (a.key.equals(key)) {
                return a;
            }
        }
        throw new ModelException(file + ": unsupported architecture; expected one of "
                + Arrays.stream(values()).map(a -> a.key).collect(Collectors.joining(", ")) + ", got '" + key + "'");
    }
}
