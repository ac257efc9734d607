/** GGUF files: metadata and tensors as memory-mapped slices. */
module io.github.medpsy4j.gguf {
    exports io.github.medpsy4j.gguf;
}
