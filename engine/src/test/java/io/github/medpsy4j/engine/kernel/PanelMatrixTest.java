package io.github.medpsy4j.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The packed matrices against plain loops over the file's blocks, bit for bit. */
class PanelMatrixTest {
    private static final int TOKENS_MAX = 70;
    private static final int[] TOKENS = {1, 2, 3, 4, 5, 7, 12, TOKENS_MAX, 13, 17};
    private static final int[] ROWS = {1, 31, 32, 33, 100};

    /** Halves: the greatest finite number, the smallest and a middling subnormal, zero, and a negative number. */
    private static final int[] EXTREME_HALVES = {0x7bff, 0x0001, 0x02aa, 0x0000, 0xb400};

    private static int[] columns(PanelFormat format) {
        // Units of one to 32 blocks of 32 columns, several in a row.
        return format.blockWeights == 256
                ? new int[] {256, 768, 2048, 2560}
                : new int[] {32, 96, 160, 128, 384, 256, 896, 1024, 2432};
    }

    @ParameterizedTest
    @EnumSource
    void multipliesAsTheSpecificationDoes(PanelFormat format) {
        Random random = new Random(1);
        for (int rows : ROWS) {
            for (int columns : columns(format)) {
                byte[] blocks = blocks(format, rows, columns, random);
                Activations x = new Activations(TOKENS_MAX, columns);
                for (int i = 0; i < x.data.length; i++) {
                    x.data[i] = (float) (random.nextGaussian() * 3);
                }
                check(format, blocks, rows, columns, x, TOKENS);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void multipliesExtremesAsTheSpecificationDoes(PanelFormat format) {
        Random random = new Random(2);
        int rows = 33;
        int columns = format.blockWeights == 256 ? 512 : 160;
        for (int fill : new int[] {0x00, 0xff, 0x0f, 0xf0, 0x80, 0x7f, -1}) {
            byte[] blocks = blocks(format, rows, columns, random);
            int perBlock = format.type.blockBytes();
            for (int i = 0; i < blocks.length; i++) {
                if (fill >= 0 && !isHalf(format, i % perBlock)) {
                    blocks[i] = (byte) fill;
                }
            }
            for (int b = 0; b < blocks.length / perBlock; b++) {
                putHalf(blocks, b * perBlock + dOffset(format), EXTREME_HALVES[b % EXTREME_HALVES.length]);
                if (format.hasCentre()) {
                    putHalf(blocks, b * perBlock + 2, EXTREME_HALVES[(b / 3) % EXTREME_HALVES.length]);
                }
            }
            check(format, blocks, rows, columns, extremeActivations(columns), TOKENS);
        }
    }

    /** Some panels that many tokens meet together and whose results are copied together, then fewer, and each strip's last rows. */
    @ParameterizedTest
    @EnumSource
    void multipliesManyRows(PanelFormat format) {
        multiplies(format, 6 * PanelMatrix.ROWS - 5, 1, 6, 14);
    }

    /** More panels than one token meets together. */
    @ParameterizedTest
    @EnumSource
    void multipliesOneTokenWithManyPanels(PanelFormat format) {
        multiplies(format, (StripMatrix.ONE_TOKEN_PANELS + 2) * PanelMatrix.ROWS - 5, 1);
    }

    /** A tile's tokens, and one to three behind them. */
    @ParameterizedTest
    @EnumSource
    void multipliesMoreTokensThanShareATile(PanelFormat format) {
        int tile = StripMatrix.TILE_TOKENS;
        multiplies(format, 33, tile + 1, tile + 2, tile + 3);
    }

    private static void multiplies(PanelFormat format, int rows, int... tokens) {
        Random random = new Random(3);
        int columns = 256;
        Activations x = new Activations(tokens[tokens.length - 1], columns);
        for (int i = 0; i < x.data.length; i++) {
            x.data[i] = (float) (random.nextGaussian() * 3);
        }
        check(format, blocks(format, rows, columns, random), rows, columns, x, tokens);
    }

    /** Rows of equal numbers, of the greatest quantum with either sign, of zeros, of very great and of very small ones. */
    private static Activations extremeActivations(int columns) {
        Activations x = new Activations(TOKENS_MAX, columns);
        for (int t = 0; t < TOKENS_MAX; t++) {
            for (int i = 0; i < columns; i++) {
                x.data[x.row(t) + i] = switch (t % 9) {
                    case 0 -> 1;
                    case 1 -> -1;
                    case 2 -> i % 2 == 0 ? 127 : -127;
                    case 3 -> 0;
                    case 4 -> i % 32 == 7 ? 1e-3f : 0;
                    case 5 -> (i % 3 - 1) * 1e30f;
                    case 6 -> (i % 255 - 127) + 0.5f;
                    case 7 -> (i % 5 - 2) * 1e-40f;
                    default -> Float.MIN_VALUE;
                };
            }
        }
        return x;
    }

    private static void check(PanelFormat format, byte[] blocks, int rows, int columns, Activations x, int... tokens) {
        float[][] expected = FloatPanels.suits(format)
                ? floats(format, blocks, rows, columns, x)
                : integers(format, blocks, rows, columns, x);
        // One thread takes all panels at once, two take few at a time.
        for (int threads = 1; threads <= 2; threads++) {
            try (Arena arena = Arena.ofShared();
                    WorkerPool pool = new WorkerPool(threads)) {
                PanelMatrix matrix =
                        PanelMatrix.pack(MemorySegment.ofArray(blocks), format, rows, columns, arena, pool);
                MatrixProduct product = new MatrixProduct(pool, Kernels.best());
                for (int n : tokens) {
                    Activations y = new Activations(n, rows);
                    product.multiply(x, n, matrix, y);
                    for (int t = 0; t < n; t++) {
                        assertArrayEquals(
                                expected[t],
                                Arrays.copyOfRange(y.data, y.row(t), y.row(t) + rows),
                                format + ", " + rows + " × " + columns + ", token " + t + " of " + n + ", threads "
                                        + threads);
                    }
                }
            }
        }
    }

    /** [token][row], with one float rounding for each product and sum that IntegerPanels names, fused. */
    private static float[][] integers(PanelFormat format, byte[] blocks, int rows, int columns, Activations x) {
        int tokens = x.data.length / x.stride;
        // IQ3_XXS has 16 columns in a sum, as more would not fit a short, and two sums with a scale.
        int width = 32 / (format == PanelFormat.IQ3_XXS ? 2 : format.runs);
        int runs = columns / width;
        boolean isWhole = VectorPanels.FLOAT_TILES && format == PanelFormat.Q4_K;
        int[] c = new int[columns];
        float[] scale = new float[runs];
        float[] centre = new float[runs];
        int[][] q = new int[tokens][columns];
        float[][] xScale = new float[tokens][columns / 32];
        for (int t = 0; t < tokens; t++) {
            quantize(x, t, TablePanels.suits(format), q[t], xScale[t]);
        }
        float[][] y = new float[tokens][rows];
        float[] exact = new float[columns];
        for (int r = 0; r < rows; r++) {
            int perBlock = format.type.blockBytes();
            int row = r * (columns / format.blockWeights) * perBlock;
            for (int k = 0; k < columns; k++) {
                int block = row + k / format.blockWeights * perBlock;
                int i = k % format.blockWeights;
                c[k] = integer(format, blocks, block, i);
                scale[k / width] = scale(format, blocks, block, i);
                centre[k / width] = centre(format, blocks, block, i, 8 << format.highBits);
            }
            BlockDecoder.of(format.type).decode(MemorySegment.ofArray(blocks), row, exact, 0, columns);
            for (int k = 0; k < columns; k++) {
                float value = Math.fma(scale[k / width], c[k], centre[k / width]);
                float magnitude = Math.abs(scale[k / width] * 64) + Math.abs(centre[k / width]);
                assertEquals(exact[k], value, magnitude * 1e-6f, "weight " + k);
            }
            for (int t = 0; t < tokens; t++) {
                float sum = 0;
                float whole = 0;
                float minima = 0;
                for (int run = 0; run < runs; run++) {
                    int s = 0;
                    int total = 0;
                    for (int k = run * width; k < (run + 1) * width; k++) {
                        s += c[k] * q[t][k];
                        total += q[t][k];
                    }
                    float blockScale = xScale[t][run * width / 32];
                    float blockSum = blockScale * total;
                    if (isWhole) {
                        // Sums of 256 columns with their whole scales: exact in a float.
                        int block = row + run / 8 * perBlock;
                        minima = Math.fma(blockSum, centre[run], minima);
                        whole = Math.fma(s, sixBitScale(blocks, block, run % 8), whole);
                        if (run % 8 == 7) {
                            sum = Math.fma(whole * blockScale, half(blocks, block), sum) + minima;
                            whole = 0;
                            minima = 0;
                        }
                        continue;
                    }
                    sum = Math.fma(s * blockScale, scale[run], sum);
                    if (format.hasCentre()) {
                        sum = Math.fma(blockSum, centre[run], sum);
                    }
                }
                y[t][r] = sum;
            }
        }
        return y;
    }

    /** [token][row] as FloatPanels names it: in order of columns, with one rounding for each fused multiply-add. */
    private static float[][] floats(PanelFormat format, byte[] blocks, int rows, int columns, Activations x) {
        int half = 8 << format.highBits;
        int tokens = x.data.length / x.stride;
        float[][] y = new float[tokens][rows];
        float[] w = new float[columns];
        float[] exact = new float[columns];
        for (int r = 0; r < rows; r++) {
            int perBlock = format.type.blockBytes();
            int row = r * (columns / format.blockWeights) * perBlock;
            BlockDecoder.of(format.type).decode(MemorySegment.ofArray(blocks), row, exact, 0, columns);
            for (int k = 0; k < columns; k++) {
                int block = row + k / format.blockWeights * perBlock;
                int i = k % format.blockWeights;
                int c = integer(format, blocks, block, i);
                float scale = scale(format, blocks, block, i);
                float centre = format.hasCentre() ? centre(format, blocks, block, i, -256) : -(256 + half) * scale;
                w[k] = format.isLookedUp ? scale * c : Math.fma(scale, 256 + half + c, centre);
                assertEquals(exact[k], w[k], format.hasCentre() ? Math.abs(centre) * 0x1p-23f : 0, "weight " + k);
            }
            for (int t = 0; t < tokens; t++) {
                float sum = 0;
                for (int k = 0; k < columns; k++) {
                    sum = Math.fma(w[k], x.data[x.row(t) + k], sum);
                }
                y[t][r] = sum;
            }
        }
        return y;
    }

    private static void quantize(Activations x, int t, boolean inFours, int[] q, float[] scales) {
        int blocks = Quantizer.SCALE_BLOCKS;
        // Which columns, so many from each on that are so far apart, have how much at most, less what rounding adds.
        int step = inFours ? 8 : 1;
        int width = inFours ? 4 : VectorPanels.FLOAT_TILES ? 32 : 16;
        int most = inFours ? 273 : VectorPanels.FLOAT_TILES ? 4095 : 1023;
        float unrounded = inFours ? 270 : VectorPanels.FLOAT_TILES ? 4078 : 1014;
        for (int b = 0; b < scales.length; b++) {
            int from = b / blocks * blocks * 32;
            int to = Math.min(x.width, from + blocks * 32);
            // In 8192ths of the greatest magnitude.
            float max = max(x, t, from, to);
            float parts = 8192 / max;
            long greatest = 0;
            for (int i : firsts(from, to, inFours, width)) {
                long sum = 0;
                for (int k = i; k < i + width * step; k += step) {
                    sum += (long) Math.rint((double) Math.abs(x.data[x.row(t) + k]) * parts);
                }
                greatest = Math.max(greatest, sum);
            }
            scales[b] = Float.isInfinite(parts) ? 0 : (greatest + width / 2) / unrounded * (max / 8192);
            // Where the inverse is no float, the block counts as zero.
            float inverse = Float.isInfinite(1 / scales[b]) ? 0 : 1 / scales[b];
            for (int k = 32 * b; k < 32 * (b + 1); k++) {
                q[k] = (int) Math.rint((double) x.data[x.row(t) + k] * inverse);
            }
            for (int i : firsts(32 * b, 32 * (b + 1), inFours, width)) {
                int magnitudes = 0;
                for (int k = i; k < i + width * step; k += step) {
                    magnitudes += Math.abs(q[k]);
                }
                assertTrue(magnitudes <= most, "magnitudes " + magnitudes);
            }
        }
    }

    /** The first columns of sums: each sixteenth or 32nd, or each of the first eight of a block. */
    private static int[] firsts(int from, int to, boolean inFours, int width) {
        return IntStream.range(from, to)
                .filter(i -> inFours ? i % 32 < 8 : i % width == 0)
                .toArray();
    }

    private static float max(Activations x, int t, int from, int to) {
        float max = 0;
        for (int i = from; i < to; i++) {
            max = Math.max(max, Math.abs(x.data[x.row(t) + i]));
        }
        return max;
    }

    // ---- Blocks of the file, read a weight at a time ----

    private static int integer(PanelFormat format, byte[] b, int block, int i) {
        int j = i / 32;
        int l = i % 32;
        return switch (format) {
            case Q4_0 -> nibble(b, block + 2 + i % 16, i / 16) - 8;
            case Q4_1 -> nibble(b, block + 4 + i % 16, i / 16) - 8;
            case Q5_0 -> nibble(b, block + 6 + i % 16, i / 16) + 16 * bit(b, block + 2 + i / 8, i % 8) - 16;
            case Q5_1 -> nibble(b, block + 8 + i % 16, i / 16) + 16 * bit(b, block + 4 + i / 8, i % 8) - 16;
            case Q4_K -> nibble(b, block + 16 + j / 2 * 32 + l, j % 2) - 8;
            case Q5_K -> nibble(b, block + 48 + j / 2 * 32 + l, j % 2) + 16 * bit(b, block + 16 + l, j) - 16;
            case Q6_K -> {
                int p = i % 128 / 32;
                int low = nibble(b, block + i / 128 * 64 + p % 2 * 32 + l, p / 2);
                int high = (b[block + 128 + i / 128 * 32 + l] >> (2 * p)) & 3;
                yield low + 16 * high - 32;
            }
            case Q8_0 -> b[block + 2 + i];
            case IQ4_NL -> DequantizeIQuants.IQ4_VALUES[nibble(b, block + 2 + i % 16, i / 16)];
            case IQ4_XS -> DequantizeIQuants.IQ4_VALUES[nibble(b, block + 8 + 16 * j + l % 16, l / 16)];
            case IQ3_S, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> gridInteger(format, b, block, i);
            case IQ3_S_LINEAR -> (gridInteger(PanelFormat.IQ3_S, b, block, i) - 1) / 2;
        };
    }

    /** With d = 1 a weight is its scale times a whole number. */
    private static int gridInteger(PanelFormat format, byte[] b, int block, int i) {
        byte[] one = Arrays.copyOfRange(b, block, block + format.type.blockBytes());
        putHalf(one, 0, 0x3c00);
        float[] weights = new float[256];
        BlockDecoder.of(format.type).decode(MemorySegment.ofArray(one), 0, weights, 0, 256);
        return Math.round(weights[i] / scale(format, one, 0, i));
    }

    private static float scale(PanelFormat format, byte[] b, int block, int i) {
        float d = half(b, block + dOffset(format));
        return switch (format) {
            case Q4_K, Q5_K -> d * sixBitScale(b, block, i / 32);
            case Q6_K -> d * b[block + 192 + i / 16];
            case IQ4_XS -> {
                int j = i / 32;
                yield d * ((nibble(b, block + 4 + j / 2, j % 2) | (b[block + 2 + j / 4] >> (j % 4 * 2) & 3) << 4) - 32);
            }
            case IQ3_S -> d * (1 + 2 * nibble(b, block + 106 + i / 64, i / 32 % 2));
            case IQ3_S_LINEAR -> 2 * scale(PanelFormat.IQ3_S, b, block, i);
            case IQ3_XXS -> d * 0.5f * (1 + 2 * nibble(b, block + 66 + i / 32 * 4 + 3, 1));
            case IQ2_S -> d * 0.125f * (1 + 2 * nibble(b, block + 74 + i / 32, i / 16 % 2));
            case IQ2_XS -> d * 0.125f * (1 + 2 * nibble(b, block + 66 + i / 32, i / 16 % 2));
            case IQ2_XXS -> d * 0.125f * (1 + 2 * nibble(b, block + 2 + i / 32 * 8 + 7, 1));
            default -> d;
        };
    }

    private static int sixBitScale(byte[] b, int block, int j) {
        return j < 4 ? b[block + 4 + j] & 63 : (b[block + 8 + j] & 15) | ((b[block + j] & 0xc0) >> 2);
    }

    private static int sixBitMinimum(byte[] b, int block, int j) {
        return j < 4 ? b[block + 8 + j] & 63 : ((b[block + 8 + j] & 0xf0) >> 4) | ((b[block + 4 + j] & 0xc0) >> 2);
    }

    private static float centre(PanelFormat format, byte[] b, int block, int i, int bias) {
        float biased = bias * scale(format, b, block, i);
        return switch (format) {
            case Q4_1, Q5_1 -> biased + half(b, block + 2);
            case IQ3_S_LINEAR -> biased - 7.5f * scale(format, b, block, i);
            case Q4_K, Q5_K -> Math.fma(sixBitMinimum(b, block, i / 32), -half(b, block + 2), biased);
            default -> 0;
        };
    }

    private static int nibble(byte[] b, int at, int high) {
        return (b[at] >> (4 * high)) & 15;
    }

    private static int bit(byte[] b, int at, int bit) {
        return (b[at] >> bit) & 1;
    }

    private static float half(byte[] b, int at) {
        return Float.float16ToFloat((short) ((b[at] & 0xff) | (b[at + 1] << 8)));
    }

    private static void putHalf(byte[] b, int at, int bits) {
        b[at] = (byte) bits;
        b[at + 1] = (byte) (bits >> 8);
    }

    private static int dOffset(PanelFormat format) {
        return format == PanelFormat.Q6_K ? 208 : 0;
    }

    private static boolean isHalf(PanelFormat format, int offset) {
        int d = dOffset(format);
        return offset >= d && offset < d + (format.hasCentre() ? 4 : 2);
    }

    private static byte[] blocks(PanelFormat format, int rows, int columns, Random random) {
        int perBlock = format.type.blockBytes();
        byte[] blocks = new byte[rows * (columns / format.blockWeights) * perBlock];
        random.nextBytes(blocks);
        for (int at = 0; at < blocks.length; at += perBlock) {
            putHalf(blocks, at + dOffset(format), Float.floatToFloat16((float) random.nextGaussian() * 0.01f));
            if (format.hasCentre()) {
                putHalf(blocks, at + 2, Float.floatToFloat16((float) random.nextGaussian() * 0.02f));
            }
        }
        return blocks;
    }
}
