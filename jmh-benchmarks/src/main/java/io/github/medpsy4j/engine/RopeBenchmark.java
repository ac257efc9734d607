package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.kernel.Kernels;
import io.github.medpsy4j.gguf.GgufFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Nanoseconds of rotary position embedding for one token in one layer: the 16 query and 8 key heads of MedPsy-1.7B, by one
 * thread; and of the angles of one position, which all layers share.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class RopeBenchmark {
    private static final int HEADS = 24;
    private static final int HEAD_DIM = 128;
    private static final int CONTEXT = 4096;

    @Param({"NEOX", "NORMAL"})
    private String style;

    private final float[] heads = new float[HEADS * HEAD_DIM];
    private final float[] cos = new float[HEAD_DIM / 2];
    private final float[] sin = new float[HEAD_DIM / 2];
    private final Kernels kernels = Kernels.best();
    private Rope rope;
    private int position;

    @Setup
    public void setUp() throws IOException {
        Path empty = Files.createTempFile("empty", ".gguf");
        try {
            // Version 3, no tensors, no metadata: every setting of the embedding has its default.
            ByteBuffer header = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
            header.put("GGUF".getBytes(StandardCharsets.US_ASCII)).putInt(3);
            Files.write(empty, header.array());
            try (GgufFile file = GgufFile.open(empty)) {
                rope = Rope.of(file.metadata(), "empty", "qwen3", Rope.Style.valueOf(style), HEAD_DIM, CONTEXT, null);
            }
        } finally {
            Files.delete(empty);
        }
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < heads.length; i++) {
            heads[i] = (float) random.nextDouble(-1, 1);
        }
        rope.angles(CONTEXT / 2, cos, sin, 0);
    }

    @Benchmark
    public float[] rotate() {
        for (int h = 0; h < HEADS; h++) {
            rope.rotate(kernels, heads, h * HEAD_DIM, cos, sin, 0);
        }
        return heads;
    }

    @Benchmark
    public float[] angles() {
        position = (position + 1) % CONTEXT;
        rope.angles(position, cos, sin, 0);
        return cos;
    }
}
