/** GGUF files: metadata and tensors as memory-mapped slices. */
package io.github.medpsy4j.gguf;
