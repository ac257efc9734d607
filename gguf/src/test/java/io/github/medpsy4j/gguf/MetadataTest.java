package io.github.medpsy4j.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.gguf.testing.GgufBuilder;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

final class MetadataTest {
    @TempDir
    private Path directory;

    private Path path;

    private Metadata metadata(GgufBuilder builder) throws IOException {
        path = builder.writeTo(directory.resolve("model.gguf"));
        try (GgufFile file = GgufFile.open(path)) {
            return file.metadata();
        }
    }

    private static GgufBuilder everyType() {
        GgufBuilder builder = new GgufBuilder()
                .uint8("u8", 200)
                .int8("i8", -100)
                .uint16("u16", 60000)
                .int16("i16", -30000)
                .uint32("u32", 4_000_000_000L)
                .int32("i32", -2_000_000_000)
                .float32("f32", 1e-6f)
                .bool("bool", true)
                .string("string", "naïve 医 🩺")
                .uint64("u64", 1L << 62)
                .int64("i64", Long.MIN_VALUE)
                .float64("f64", 0.1);
        return builder.array(
                "nested",
                ValueType.ARRAY,
                2,
                builder.arrayBytes(ValueType.INT32, 2, builder.int32s(1, 2)),
                builder.arrayBytes(
                        ValueType.STRING, 2, builder.stringBytes(new byte[] {'a'}), builder.stringBytes(new byte[0])));
    }

    private void assertRefused(String messageAfterPath, Executable executable) {
        assertEquals(
                path + ": " + messageAfterPath,
                assertThrows(GgufException.class, executable).getMessage());
    }

    @Test
    void givesEveryTypeAsItsJavaType() throws IOException {
        Metadata metadata = metadata(everyType());
        assertEquals(Optional.of(200L), metadata.get("u8"));
        assertEquals(Optional.of(-100L), metadata.get("i8"));
        assertEquals(Optional.of(60000L), metadata.get("u16"));
        assertEquals(Optional.of(-30000L), metadata.get("i16"));
        assertEquals(Optional.of(4_000_000_000L), metadata.get("u32"));
        assertEquals(Optional.of(-2_000_000_000L), metadata.get("i32"));
        assertEquals(Optional.of(1e-6f), metadata.get("f32"));
        assertEquals(Optional.of(true), metadata.get("bool"));
        assertEquals(Optional.of("naïve 医 🩺"), metadata.get("string"));
        assertEquals(Optional.of(1L << 62), metadata.get("u64"));
        assertEquals(Optional.of(Long.MIN_VALUE), metadata.get("i64"));
        assertEquals(Optional.of(0.1), metadata.get("f64"));
        assertEquals(Optional.empty(), metadata.get("none"));
    }

    @Test
    void keepsKeysInFileOrderWithTheirDeclaredTypes() throws IOException {
        Metadata metadata = metadata(everyType());
        assertEquals(
                List.of("u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "u64", "i64", "f64", "nested"),
                List.copyOf(metadata.keys()));
        assertEquals(
                List.of(
                        ValueType.UINT8,
                        ValueType.INT8,
                        ValueType.UINT16,
                        ValueType.INT16,
                        ValueType.UINT32,
                        ValueType.INT32,
                        ValueType.FLOAT32,
                        ValueType.BOOL,
                        ValueType.STRING,
                        ValueType.UINT64,
                        ValueType.INT64,
                        ValueType.FLOAT64,
                        ValueType.ARRAY),
                metadata.keys().stream()
                        .map(key -> metadata.type(key).orElseThrow())
                        .toList());
        assertEquals(Optional.empty(), metadata.type("none"));
        assertThrows(UnsupportedOperationException.class, () -> metadata.keys().remove("u8"));
    }

    @Test
    void iteratesArraysOfArrays() throws IOException {
        Metadata metadata = metadata(everyType());
        MetadataArray nested = (MetadataArray) metadata.get("nested").orElseThrow();
        assertEquals(ValueType.ARRAY, nested.elementType());
        assertEquals(2, nested.length());
        List<List<Object>> found = new ArrayList<>();
        for (Object inner : nested) {
            List<Object> elements = new ArrayList<>();
            ((MetadataArray) inner).forEach(elements::add);
            found.add(elements);
        }
        assertEquals(List.of(List.of(1L, 2L), List.of("a", "")), found);
        var iterator = nested.iterator();
        iterator.next();
        iterator.next();
        assertThrows(NoSuchElementException.class, iterator::next);
    }

    @Test
    void readsWholeNumbersOfAnyType() throws IOException {
        Metadata metadata = metadata(everyType());
        assertEquals(200, metadata.integer("u8"));
        assertEquals(-30000, metadata.integer("i16"));
        assertEquals(4_000_000_000L, metadata.integer("u32"));
        assertEquals(1L << 62, metadata.integer("u64"));
        assertEquals(60000, metadata.intInRange("u16", 0, 60000));
        assertEquals(7, metadata.integer("none", 7));
        assertEquals(7, metadata.intInRange("none", 0, 5, 7));
    }

    @Test
    void readsFloatsBoolsAndStrings() throws IOException {
        Metadata metadata = metadata(everyType());
        assertEquals(1e-6f, metadata.real("f32"));
        assertEquals(0.1f, metadata.real("f64"));
        assertEquals(2.5f, metadata.real("none", 2.5f));
        assertTrue(metadata.bool("bool"));
        assertTrue(metadata.bool("bool", false));
        assertFalse(metadata.bool("none", false));
        assertEquals("naïve 医 🩺", metadata.string("string"));
        assertEquals("x", metadata.string("none", "x"));
    }

    @Test
    void readsArrays() throws IOException {
        GgufBuilder builder = new GgufBuilder()
                .strings("strings", List.of("a", "", "Ġthe", "医"))
                .int32Array("ints", 1, -1, Integer.MIN_VALUE)
                .float32Array("floats", 0.5f, Float.NEGATIVE_INFINITY)
                .strings("empty", List.of());
        builder.array("longs", ValueType.UINT64, 2, builder.int64(5), builder.int64(Integer.MAX_VALUE))
                .array("bytes", ValueType.UINT8, 2, new byte[] {1, -1});
        Metadata metadata = metadata(builder);
        List<String> strings = metadata.strings("strings");
        assertEquals(List.of("a", "", "Ġthe", "医"), strings);
        assertThrows(IndexOutOfBoundsException.class, () -> strings.get(4));
        assertThrows(UnsupportedOperationException.class, () -> strings.set(0, "b"));
        assertArrayEquals(new int[] {1, -1, Integer.MIN_VALUE}, metadata.ints("ints"));
        assertArrayEquals(new float[] {0.5f, Float.NEGATIVE_INFINITY}, metadata.floats("floats"));
        assertEquals(List.of(), metadata.strings("empty"));
        assertArrayEquals(new int[] {5, Integer.MAX_VALUE}, metadata.ints("longs"));
        assertArrayEquals(new int[] {1, 255}, metadata.ints("bytes"));
    }

    @Test
    void givesBytesThatAreNotUtf8AsReplacementCharacters() throws IOException {
        GgufBuilder builder = new GgufBuilder();
        builder.array("tokens", ValueType.STRING, 1, builder.stringBytes(new byte[] {'a', (byte) 0xFF, 'b'}));
        assertEquals(List.of("a\uFFFDb"), metadata(builder).strings("tokens"));
    }

    @Test
    void refusesAMissingKey() throws IOException {
        Metadata metadata = metadata(everyType());
        assertRefused("key none is missing; expected a string, got nothing", () -> metadata.string("none"));
        assertRefused("key none is missing; expected an integer, got nothing", () -> metadata.integer("none"));
        assertRefused("key none is missing; expected an integer, got nothing", () -> metadata.intInRange("none", 0, 1));
        assertRefused("key none is missing; expected a float, got nothing", () -> metadata.real("none"));
        assertRefused("key none is missing; expected a bool, got nothing", () -> metadata.bool("none"));
        assertRefused("key none is missing; expected an array of strings, got nothing", () -> metadata.strings("none"));
        assertRefused("key none is missing; expected an array of integers, got nothing", () -> metadata.ints("none"));
        assertRefused("key none is missing; expected an array of floats, got nothing", () -> metadata.floats("none"));
    }

    @Test
    void refusesAValueOfAnotherType() throws IOException {
        // The value stands behind 24 bytes of header, 8 of length, 1 of key and 4 of type.
        Metadata text = metadata(new GgufBuilder().string("k", "v"));
        assertRefused("offset 37: type of key k; expected an integer, got STRING", () -> text.integer("k"));
        assertRefused("offset 37: type of key k; expected an integer, got STRING", () -> text.integer("k", 1));
        assertRefused("offset 37: type of key k; expected a float, got STRING", () -> text.real("k"));
        assertRefused("offset 37: type of key k; expected a bool, got STRING", () -> text.bool("k", true));
        assertRefused("offset 37: type of key k; expected an array of strings, got STRING", () -> text.strings("k"));
        Metadata number = metadata(new GgufBuilder().uint8("k", 1));
        assertRefused("offset 37: type of key k; expected a string, got UINT8", () -> number.string("k"));
        Metadata strings = metadata(new GgufBuilder().strings("k", List.of("a")));
        assertRefused(
                "offset 37: type of key k; expected an array of integers, got ARRAY of STRING",
                () -> strings.ints("k"));
        assertRefused(
                "offset 37: type of key k; expected an array of floats, got ARRAY of STRING",
                () -> strings.floats("k"));
        Metadata ints = metadata(new GgufBuilder().int32Array("k", 1));
        assertRefused(
                "offset 37: type of key k; expected an array of strings, got ARRAY of INT32", () -> ints.strings("k"));
    }

    @Test
    void refusesANumberOutOfRange() throws IOException {
        Metadata metadata = metadata(new GgufBuilder().uint64("k", -1));
        assertEquals(Optional.of(new BigInteger("18446744073709551615")), metadata.get("k"));
        assertRefused(
                "offset 37: value of key k; expected at most 9223372036854775807, got 18446744073709551615",
                () -> metadata.integer("k"));
        Metadata small = metadata(new GgufBuilder().int32("k", -1));
        assertRefused("offset 37: value of key k; expected from 0 to 9, got -1", () -> small.intInRange("k", 0, 9));
        assertRefused("offset 37: value of key k; expected from 0 to 9, got -1", () -> small.intInRange("k", 0, 9, 5));
        Metadata large = metadata(new GgufBuilder().int32("k", 10));
        assertRefused("offset 37: value of key k; expected from 0 to 9, got 10", () -> large.intInRange("k", 0, 9));
    }

    @Test
    void refusesAnElementOutOfRange() throws IOException {
        GgufBuilder builder = new GgufBuilder();
        Metadata unsigned = metadata(builder.array("k", ValueType.UINT32, 2, builder.int32s(1, -1)));
        assertRefused(
                "offset 53: value of key k[1]; expected from -2147483648 to 2147483647, got 4294967295",
                () -> unsigned.ints("k"));
        Metadata huge = metadata(new GgufBuilder().array("k", ValueType.UINT64, 1, builder.int64(-1)));
        assertRefused(
                "offset 49: value of key k[0]; expected from -2147483648 to 2147483647, got 18446744073709551615",
                () -> huge.ints("k"));
    }

    @Test
    void refusesAFloatThatIsNotFinite() throws IOException {
        Metadata nan = metadata(new GgufBuilder().float32("k", Float.NaN));
        assertRefused("offset 37: value of key k; expected a finite float, got NaN", () -> nan.real("k"));
        Metadata huge = metadata(new GgufBuilder().float64("k", 1e300));
        assertRefused("offset 37: value of key k; expected a finite float, got 1.0E300", () -> huge.real("k"));
    }

    @Test
    void showsNamesFromTheFileOnOneShortLine() throws IOException {
        String key = "a\n" + "b".repeat(200);
        Metadata metadata = metadata(new GgufBuilder().uint8(key, 1));
        var e = assertThrows(GgufException.class, () -> metadata.string(key));
        assertTrue(e.getMessage().contains("type of key a\uFFFD" + "b".repeat(78) + "…; expected"), e.getMessage());
    }
}
