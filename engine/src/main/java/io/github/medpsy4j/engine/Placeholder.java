package io.github.medpsy4j.engine;

final class Placeholder {
    private Placeholder() {}
}
