package io.github.medpsy4j.gguf.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.medpsy4j.gguf.GgmlType;
import io.github.medpsy4j.gguf.ValueType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes GGUF files for tests, in memory, and can be told to lie. Keys and tensors are written in the order they were
 * added; nothing is checked, so that every kind of broken file can be made.
 *
 * <pre>{@code
 * Path file = new GgufBuilder()
 *         .string("general.architecture", "qwen3")
 *         .uint32("qwen3.block_count", 2)
 *         .strings("tokenizer.ggml.tokens", List.of("a", "b"))
 *         .f32("output_norm.weight", new float[] {1, 1}, 2)
 *         .tensor("output.weight", GgmlType.Q8_0, blocks, 32, 4)
 *         .writeTo(directory.resolve("model.gguf"));
 * }</pre>
 */
public final class GgufBuilder {
    /** What stands in place of the truth where it is not null. */
    private static final class Lies {
        private Long tensorCount;
        private Long keyCount;
        private final Map<String, Long> offsets = new LinkedHashMap<>();
        private final Map<String, Integer> types = new LinkedHashMap<>();
    }

    private static final class Tensor {
        private final String name;
        private final GgmlType type;
        private final byte[] data;
        private final long[] shape;

        private Tensor(String name, GgmlType type, byte[] data, long[] shape) {
            this.name = name;
            this.type = type;
            this.data = data.clone();
            this.shape = shape.clone();
        }
    }

    private int version = 3;
    private int alignment = 32;
    private ByteOrder order = ByteOrder.LITTLE_ENDIAN;
    private final List<byte[]> keys = new ArrayList<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private final Lies lies = new Lies();

    /** The version to claim; 3 unless told. Versions 2 and 3 do not differ otherwise. */
    public GgufBuilder version(int number) {
        version = number;
        return this;
    }

    /** Write numbers in this order; call it first. The magic stays as it is, as in real big-endian files. */
    public GgufBuilder order(ByteOrder byteOrder) {
        order = byteOrder;
        return this;
    }

    /** Pads the data to this and says so in {@code general.alignment}. */
    public GgufBuilder alignment(int bytes) {
        alignment = bytes;
        return uint32("general.alignment", bytes);
    }

    public GgufBuilder uint8(String key, int value) {
        return value(key, ValueType.UINT8, numbers(1).put((byte) value).array());
    }

    public GgufBuilder int8(String key, int value) {
        return value(key, ValueType.INT8, numbers(1).put((byte) value).array());
    }

    public GgufBuilder uint16(String key, int value) {
        return value(key, ValueType.UINT16, numbers(2).putShort((short) value).array());
    }

    public GgufBuilder int16(String key, int value) {
        return value(key, ValueType.INT16, numbers(2).putShort((short) value).array());
    }

    /** Takes the low 32 bits. */
    public GgufBuilder uint32(String key, long value) {
        return value(key, ValueType.UINT32, int32s((int) value));
    }

    public GgufBuilder int32(String key, int value) {
        return value(key, ValueType.INT32, int32s(value));
    }

    public GgufBuilder float32(String key, float value) {
        return value(key, ValueType.FLOAT32, floats(value));
    }

    public GgufBuilder bool(String key, boolean value) {
        return value(key, ValueType.BOOL, new byte[] {(byte) (value ? 1 : 0)});
    }

    public GgufBuilder string(String key, String value) {
        return value(key, ValueType.STRING, stringBytes(value.getBytes(UTF_8)));
    }

    public GgufBuilder uint64(String key, long value) {
        return value(key, ValueType.UINT64, int64(value));
    }

    public GgufBuilder int64(String key, long value) {
        return value(key, ValueType.INT64, int64(value));
    }

    public GgufBuilder float64(String key, double value) {
        return value(key, ValueType.FLOAT64, numbers(8).putDouble(value).array());
    }

    public GgufBuilder strings(String key, List<String> values) {
        byte[][] elements = new byte[values.size()][];
        for (int i = 0; i < elements.length; i++) {
            elements[i] = stringBytes(values.get(i).getBytes(UTF_8));
        }
        return array(key, ValueType.STRING, elements.length, elements);
    }

    public GgufBuilder int32Array(String key, int... values) {
        return array(key, ValueType.INT32, values.length, int32s(values));
    }

    public GgufBuilder float32Array(String key, float... values) {
        return array(key, ValueType.FLOAT32, values.length, floats(values));
    }

    /** An array of any type: the length as claimed, then the elements' bytes as given. */
    public GgufBuilder array(String key, ValueType elementType, long length, byte[]... elements) {
        return value(key, ValueType.ARRAY, arrayBytes(elementType, length, elements));
    }

    /** Any value: its type, then the bytes as given. */
    public GgufBuilder value(String key, ValueType type, byte[] bytes) {
        return value(key, type.id(), bytes);
    }

    /** Any value with any type number. */
    public GgufBuilder value(String key, int typeId, byte[] bytes) {
        keys.add(concat(stringBytes(key.getBytes(UTF_8)), int32s(typeId), bytes));
        return this;
    }

    /** A tensor; shape is ggml's {@code ne}, the row's length first. Its data need not fit the shape. */
    public GgufBuilder tensor(String name, GgmlType type, byte[] data, long... shape) {
        tensors.add(new Tensor(name, type, data, shape));
        return this;
    }

    public GgufBuilder f32(String name, float[] values, long... shape) {
        return tensor(name, GgmlType.F32, floats(values), shape);
    }

    public GgufBuilder claimTensorCount(long count) {
        lies.tensorCount = count;
        return this;
    }

    public GgufBuilder claimKeyCount(long count) {
        lies.keyCount = count;
        return this;
    }

    /** The offset to write for a tensor, wherever its data is. */
    public GgufBuilder claimOffset(String tensor, long offset) {
        lies.offsets.put(tensor, offset);
        return this;
    }

    /** The type number to write for a tensor. */
    public GgufBuilder claimType(String tensor, int typeId) {
        lies.types.put(tensor, typeId);
        return this;
    }

    public Path writeTo(Path file) throws IOException {
        return Files.write(file, toBytes());
    }

    public byte[] toBytes() {
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        header.writeBytes("GGUF".getBytes(UTF_8));
        header.writeBytes(int32s(version));
        header.writeBytes(int64(lies.tensorCount == null ? tensors.size() : lies.tensorCount));
        header.writeBytes(int64(lies.keyCount == null ? keys.size() : lies.keyCount));
        keys.forEach(header::writeBytes);

        ByteArrayOutputStream data = new ByteArrayOutputStream();
        for (Tensor tensor : tensors) {
            header.writeBytes(stringBytes(tensor.name.getBytes(UTF_8)));
            header.writeBytes(int32s(tensor.shape.length));
            for (long dimension : tensor.shape) {
                header.writeBytes(int64(dimension));
            }
            header.writeBytes(int32s(lies.types.getOrDefault(tensor.name, tensor.type.id())));
            header.writeBytes(int64(lies.offsets.getOrDefault(tensor.name, (long) data.size())));
            data.writeBytes(tensor.data);
            pad(data);
        }
        pad(header);
        header.writeBytes(data.toByteArray());
        return header.toByteArray();
    }

    /** A string as it stands in a file: its length, then these bytes. */
    public byte[] stringBytes(byte[] bytes) {
        return concat(int64(bytes.length), bytes);
    }

    /** An array as it stands in a file, for arrays of arrays. */
    public byte[] arrayBytes(ValueType elementType, long length, byte[]... elements) {
        return concat(int32s(elementType.id()), int64(length), concat(elements));
    }

    /** These numbers as they stand in a file. */
    public byte[] int32s(int... values) {
        byte[] bytes = new byte[4 * values.length];
        ByteBuffer.wrap(bytes).order(order).asIntBuffer().put(values);
        return bytes;
    }

    /** This number as it stands in a file. */
    public byte[] int64(long value) {
        return numbers(8).putLong(value).array();
    }

    /** These numbers as they stand in a file. */
    public byte[] floats(float... values) {
        byte[] bytes = new byte[4 * values.length];
        ByteBuffer.wrap(bytes).order(order).asFloatBuffer().put(values);
        return bytes;
    }

    private ByteBuffer numbers(int byteCount) {
        return ByteBuffer.allocate(byteCount).order(order);
    }

    private void pad(ByteArrayOutputStream out) {
        while (alignment > 0 && out.size() % alignment != 0) {
            out.write(0);
        }
    }

    private static byte[] concat(byte[]... pieces) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        for (byte[] piece : pieces) {
            joined.writeBytes(piece);
        }
        return joined.toByteArray();
    }
}
