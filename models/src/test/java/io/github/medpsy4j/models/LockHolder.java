package io.github.medpsy4j.models;

import java.io.IOException;
import java.nio.file.Path;

/** A program that takes a lock, says so, and keeps it until its input ends or it is killed. */
final class LockHolder {
    private LockHolder() {}

    public static void main(String[] args) throws IOException {
        FileLocks.holding(Path.of(args[0]), "test", () -> {
            System.out.println("held");
            return System.in.read();
        });
    }
}
