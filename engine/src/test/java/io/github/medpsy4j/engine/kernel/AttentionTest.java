package io.github.medpsy4j.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Attention against sums in doubles, and against itself: alone, in company, with any number of threads, across the
 * borders of spans and blocks.
 */
class AttentionTest {
    private static final int LAYERS = 2;
    private static final int LAYER = 1;

    /** The positions that are asked about: at and beside the borders of spans, blocks and tiles of tokens. */
    private static final int[] POSITIONS = {0, 1, 15, 16, 62, 63, 64, 65, 127, 128, 255, 256, 257, 300, 511, 512, 530};

    private static final int LENGTH = 531;

    /** Query heads, KV heads, width of a head. */
    record Shape(int heads, int kvHeads, int headDim) {}

    static Stream<Arguments> shapesAndFormats() {
        return Stream.of(
                        new Shape(4, 2, 64),
                        new Shape(2, 2, 96),
                        new Shape(14, 2, 64),
                        new Shape(6, 2, 128),
                        new Shape(4, 1, 256),
                        new Shape(3, 1, 80))
                .flatMap(shape -> Stream.of(KvFormat.values())
                        .filter(format -> format.fits(shape.headDim))
                        .map(format -> Arguments.of(shape, format)));
    }

    /** Random queries, keys and values of one layer, at every position. */
    private static final class Data {
        final Shape shape;
        final Activations q;
        final Activations k;
        final Activations v;

        Data(Shape shape, float spread) {
            Random random = new Random(3);
            this.shape = shape;
            q = randoms(random, shape.heads * shape.headDim, spread);
            k = randoms(random, shape.kvHeads * shape.headDim, 1);
            v = randoms(random, shape.kvHeads * shape.headDim, 1);
        }

        private static Activations randoms(Random random, int width, float spread) {
            Activations x = new Activations(LENGTH, width);
            for (int t = 0; t < LENGTH; t++) {
                for (int i = 0; i < width; i++) {
                    x.data[x.row(t) + i] = (float) random.nextGaussian() * spread;
                }
            }
            return x;
        }

        KvCache cache(KvFormat format) {
            KvCache cache = new KvCache(format, LAYERS, shape.kvHeads, shape.headDim, 2 * LENGTH);
            cache.reserve(LENGTH);
            return cache;
        }

        /** The outputs of the positions, computed in batches of so many rows after everything before was stored. */
        float[][] attend(Kernels kernels, int threads, KvFormat format, int[] positions, int batch) {
            int width = shape.heads * shape.headDim;
            float[][] results = new float[positions.length][];
            try (WorkerPool pool = new WorkerPool(threads);
                    KvCache cache = cache(format)) {
                Attention attention = attention(kernels, pool);
                storeAll(attention, cache);
                Activations queries = new Activations(LENGTH, width);
                Activations out = new Activations(LENGTH, width);
                KvCache[] caches = new KvCache[LENGTH];
                Arrays.fill(caches, cache);
                for (int from = 0; from < positions.length; from += batch) {
                    int n = Math.min(batch, positions.length - from);
                    int[] batched = Arrays.copyOfRange(positions, from, from + n);
                    for (int t = 0; t < n; t++) {
                        System.arraycopy(q.data, q.row(batched[t]), queries.data, queries.row(t), width);
                    }
                    attention.begin(caches, batched, n);
                    attention.attend(LAYER, queries, out);
                    for (int t = 0; t < n; t++) {
                        results[from + t] = Arrays.copyOfRange(out.data, out.row(t), out.row(t) + width);
                    }
                }
            }
            return results;
        }

        Attention attention(Kernels kernels, WorkerPool pool) {
            float scale = (float) (1 / Math.sqrt(shape.headDim));
            return new Attention(kernels, pool, shape.heads, shape.kvHeads, shape.headDim, scale, LENGTH);
        }

        void storeAll(Attention attention, KvCache cache) {
            int[] all = new int[LENGTH];
            Arrays.setAll(all, i -> i);
            KvCache[] caches = new KvCache[LENGTH];
            Arrays.fill(caches, cache);
            attention.begin(caches, all, LENGTH);
            attention.store(LAYER, k, v);
        }

        /** In doubles, from the numbers as they are. */
        double[] exact(int position) {
            int headDim = shape.headDim;
            double[] out = new double[shape.heads * headDim];
            for (int h = 0; h < shape.heads; h++) {
                int kvHead = h / (shape.heads / shape.kvHeads);
                double[] scores = new double[position + 1];
                double max = Double.NEGATIVE_INFINITY;
                for (int p = 0; p <= position; p++) {
                    for (int d = 0; d < headDim; d++) {
                        scores[p] += (double) q.data[q.row(position) + h * headDim + d]
                                * k.data[k.row(p) + kvHead * headDim + d];
                    }
                    scores[p] /= Math.sqrt(headDim);
                    max = Math.max(max, scores[p]);
                }
                double sum = 0;
                for (int p = 0; p <= position; p++) {
                    double weight = Math.exp(scores[p] - max);
                    sum += weight;
                    for (int d = 0; d < headDim; d++) {
                        out[h * headDim + d] += weight * v.data[v.row(p) + kvHead * headDim + d];
                    }
                }
                for (int d = 0; d < headDim; d++) {
                    out[h * headDim + d] /= sum;
                }
            }
            return out;
        }
    }

    /** What a format's rounding may do to outputs whose values are about 1. */
    private static double tolerance(KvFormat format) {
        return switch (format) {
            case F32 -> 2e-6;
            case F16 -> 2e-3;
            case Q8_0 -> 0.03;
        };
    }

    @ParameterizedTest
    @MethodSource("shapesAndFormats")
    void isSoftmaxOfScoresTimesValues(Shape shape, KvFormat format) {
        Data data = new Data(shape, 1);
        float[][] vector = data.attend(Kernels.best(), 1, format, POSITIONS, 1);
        float[][] scalar = data.attend(Kernels.scalar(), 1, format, POSITIONS, 1);
        for (int i = 0; i < POSITIONS.length; i++) {
            double[] exact = data.exact(POSITIONS[i]);
            for (int d = 0; d < exact.length; d++) {
                String where = "position " + POSITIONS[i] + ", " + d;
                assertEquals(exact[d], vector[i][d], tolerance(format), where);
                // The one difference between the two is the order in which weights are summed.
                assertEquals(scalar[i][d], vector[i][d], 1e-6f * Math.max(1, Math.abs(scalar[i][d])), where);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("shapesAndFormats")
    void companyAndThreadsChangeNoBit(Shape shape, KvFormat format) {
        Data data = new Data(shape, 1);
        for (Kernels kernels : new Kernels[] {Kernels.scalar(), Kernels.best()}) {
            float[][] expected = data.attend(kernels, 1, format, POSITIONS, 1);
            for (int threads : new int[] {1, 2, 3}) {
                for (int batch : new int[] {1, 2, 5, 16, POSITIONS.length}) {
                    float[][] got = data.attend(kernels, threads, format, POSITIONS, batch);
                    for (int i = 0; i < POSITIONS.length; i++) {
                        assertArrayEquals(
                                expected[i],
                                got[i],
                                kernels.description() + ", " + threads + " threads, batches of " + batch + ", position "
                                        + POSITIONS[i]);
                    }
                }
            }
        }
    }

    /** Of scores that lie hundreds apart one takes all; nothing overflows. */
    @ParameterizedTest
    @EnumSource
    void greatScoresLeaveOneValue(KvFormat format) {
        Data data = new Data(new Shape(4, 2, 64), 1000);
        float[][] got = data.attend(Kernels.best(), 2, format, POSITIONS, 4);
        for (int i = 0; i < POSITIONS.length; i++) {
            for (float x : got[i]) {
                assertTrue(Float.isFinite(x) && Math.abs(x) < 6, "position " + POSITIONS[i] + ": " + x);
            }
        }
        double[] exact = data.exact(LENGTH - 1);
        if (format == KvFormat.F32) {
            for (int d = 0; d < exact.length; d++) {
                assertEquals(exact[d], got[POSITIONS.length - 1][d], 1e-3);
            }
        }
    }

    /** What lies behind the last position, such as what a truncated session left there, is nobody's business. */
    @ParameterizedTest
    @EnumSource
    void whatLiesBehindIsNotRead(KvFormat format) {
        Data data = new Data(new Shape(4, 2, 64), 1);
        int width = data.q.width;
        int position = 40;
        float[] expected = data.attend(Kernels.best(), 1, format, new int[] {position}, 1)[0];
        Arrays.fill(data.k.data, data.k.row(position + 1), data.k.data.length, Float.POSITIVE_INFINITY);
        Arrays.fill(data.v.data, data.v.row(position + 1), data.v.data.length, Float.NaN);
        float[] got = data.attend(Kernels.best(), 1, format, new int[] {position, position + 1}, 2)[0];
        assertArrayEquals(expected, got);
        assertEquals(width, got.length);
    }

    @ParameterizedTest
    @MethodSource("shapesAndFormats")
    void stretchesHoldAllThatPositionsAre(Shape shape, KvFormat format) throws IOException {
        Data data = new Data(shape, 1);
        try (WorkerPool pool = new WorkerPool(2);
                KvCache cache = data.cache(format);
                KvCache copy = data.cache(format);
                KvCache prefixed = data.cache(format)) {
            Attention attention = data.attention(Kernels.best(), pool);
            data.storeAll(attention, cache);
            for (int[] range : new int[][] {{0, LENGTH}, {0, 1}, {17, 18}, {60, 70}, {64, 128}, {200, 531}}) {
                byte[] bytes = bytes(cache, range[0], range[1]);
                assertEquals(cache.byteSize(range[1] - range[0]), bytes.length);
            }
            // Written in pieces in any order, everything is there.
            for (int[] range : new int[][] {{100, 531}, {0, 70}, {70, 100}}) {
                byte[] bytes = bytes(cache, range[0], range[1]);
                int[] at = {0};
                copy.stretches(range[0], range[1], stretch -> {
                    MemorySegment.copy(bytes, at[0], stretch, ValueLayout.JAVA_BYTE, 0, (int) stretch.byteSize());
                    at[0] += (int) stretch.byteSize();
                });
            }
            assertArrayEquals(bytes(cache, 0, LENGTH), bytes(copy, 0, LENGTH));
            byte[] before = bytes(prefixed, 130, LENGTH);
            prefixed.copyFrom(cache, 0, 60);
            prefixed.copyFrom(cache, 60, 130);
            assertArrayEquals(bytes(cache, 0, 130), bytes(prefixed, 0, 130));
            assertArrayEquals(before, bytes(prefixed, 130, LENGTH));
        }
    }

    private static byte[] bytes(KvCache cache, int from, int to) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        cache.stretches(from, to, stretch -> bytes.writeBytes(stretch.toArray(ValueLayout.JAVA_BYTE)));
        return bytes.toByteArray();
    }

    @ParameterizedTest
    @EnumSource
    void layoutsTellFormatsApart(KvFormat format) {
        try (KvCache cache = new KvCache(format, 2, 3, 64, 10)) {
            assertEquals(format + ", keys in columns of 64, 2 layers, 3 heads of 64", cache.layout());
        }
        if (format == KvFormat.Q8_0) {
            assertThrows(IllegalArgumentException.class, () -> new KvCache(format, 2, 3, 80, 10));
        }
    }
}
