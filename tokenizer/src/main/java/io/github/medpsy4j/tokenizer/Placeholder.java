package io.github.medpsy4j.tokenizer;

final class Placeholder {
    private Placeholder() {}
}
