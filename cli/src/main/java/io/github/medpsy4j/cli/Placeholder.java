package io.github.medpsy4j.cli;

final class Placeholder {
    private Placeholder() {}
}
