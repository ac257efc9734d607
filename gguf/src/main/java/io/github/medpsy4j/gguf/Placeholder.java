package io.github.medpsy4j.gguf;

final class Placeholder {
    private Placeholder() {}
}
