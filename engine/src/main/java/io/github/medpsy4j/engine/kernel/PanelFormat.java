package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The types that {@link PanelMatrix} packs: each weight is scale·c + centre, where c is an integer made of a low nibble
 * and, beyond four bits, of high bits, or is looked up by the nibble in a table of 16. How their blocks are read from the
 * file is here.
 *
 * <p>The points of IQ3_* and IQ2_* have at most eight magnitudes, so a magnitude's number and the sign are a nibble too:
 * packed, such weights take four bits and their scales, where the file has two or three.
 */
enum PanelFormat {
    /** 18 bytes: half d; 16 bytes, low nibbles weights 0-15, high ones 16-31. w = d·(n - 8). */
    Q4_0(GgmlType.Q4_0, 32, 0, 1),
    /** 20 bytes: halves d, m; nibbles as Q4_0. w = d·n + m. */
    Q4_1(GgmlType.Q4_1, 32, 0, 1),
    /**
     * 144 bytes for 256: halves d, dmin; 12 bytes of 6-bit scales and minima; 4 × 32 bytes of which the low nibbles are
     * 32 weights and the high ones the next 32. w = d·scale·n - dmin·min.
     */
    Q4_K(GgmlType.Q4_K, 256, 0, 1),
    /** 22 bytes: half d; 32 high bits; nibbles as Q4_0. w = d·(n + 16·h - 16). */
    Q5_0(GgmlType.Q5_0, 32, 1, 1),
    /** 24 bytes: halves d, m; 32 high bits; nibbles as Q4_0. w = d·(n + 16·h) + m. */
    Q5_1(GgmlType.Q5_1, 32, 1, 1),
    /** 176 bytes for 256: as Q4_K, with 32 bytes before the nibbles whose bit j is the high bit in sub-block j. */
    Q5_K(GgmlType.Q5_K, 256, 1, 1),
    /**
     * 210 bytes for 256: 128 bytes of nibbles, 64 bytes of high pairs of bits, 16 signed scales, half d. Twice 128
     * weights: bytes l and 32 + l hold low nibbles of weights l and 32 + l and, high, 64 + l and 96 + l; pair p of high
     * byte l belongs to weight 32·p + l. w = d·scale·(n + 16·h - 32), a scale for each 16.
     */
    Q6_K(GgmlType.Q6_K, 256, 2, 2),
    /** 34 bytes: half d; 32 signed bytes. w = d·b, b = (n - 8) + 16·(h - 8) + 8 with h the high nibble, sign flipped. */
    Q8_0(GgmlType.Q8_0, 32, 4, 1),
    /** 18 bytes: half d; nibbles as Q4_0. w = d·table[n]. */
    IQ4_NL(GgmlType.IQ4_NL, 32, 1f, 1, 0),
    /** 136 bytes for 256: half d; eight 6-bit scales; nibbles as Q4_0, 32 after 32. w = d·(scale - 32)·table[n]. */
    IQ4_XS(GgmlType.IQ4_XS, 256, 1f, 1, 0),
    /** 110 bytes for 256, see {@link DequantizeIQuants}: w = d·(1 + 2·scale)·(±1, ±3, … ±15). Where floats are multiplied. */
    IQ3_S(GgmlType.IQ3_S, 256, 1f, 1, 0x0f0d0b0907050301L),
    /**
     * IQ3_S without a table, wherever integers are multiplied: ±1, ±3 … ±15 are 2·(n - 8) + 1. So with D = d·(1 + 2·scale) w =
     * 2·D·(n - 8) + D, nibbles with an offset.
     */
    IQ3_S_LINEAR(GgmlType.IQ3_S, 256, 0, 2, 1, false, 0),
    /** 98 bytes for 256: w = d·(1 + 2·scale)/2·c, c half of the grid's. */
    IQ3_XXS(GgmlType.IQ3_XXS, 256, 0.5f, 1, 0x1f1a16120e0a0602L),
    /** 82 bytes for 256: w = d·(1 + 2·scale)/8·c, a scale for each 16. */
    IQ2_S(GgmlType.IQ2_S, 256, 0.125f, 2, 0x00000000002b1908L),
    /** 74 bytes for 256, otherwise as IQ2_S. */
    IQ2_XS(GgmlType.IQ2_XS, 256, 0.125f, 2, 0x00000000002b1908L),
    /** 66 bytes for 256: w = d·(1 + 2·scale)/8·c. */
    IQ2_XXS(GgmlType.IQ2_XXS, 256, 0.125f, 1, 0x00000000002b1908L);

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    private static final int BLOCK = PanelMatrix.BLOCK;

    // What a field of a byte is, in each of eight bytes.
    private static final long LOWEST = 0x0101010101010101L;
    private static final long TWO_BITS = 3 * LOWEST;
    private static final long NIBBLE = 15 * LOWEST;

    final GgmlType type;
    final int blockWeights;
    /** Bits of a weight beyond its low nibble. */
    final int highBits;
    /** Into how many runs with a scale each a block of 32 columns falls. */
    final int runs;
    /** Whether c is looked up by the nibble, rather than made of it and the high bits. */
    final boolean isLookedUp;
    /** The magnitudes of a grid, a byte each, the first lowest; 0 for the types that have none. */
    private final long magnitudes;
    /** What d is multiplied with: a power of two. */
    final float factor;

    /** Of types that are not looked up. */
    PanelFormat(GgmlType type, int blockWeights, int highBits, int runs) {
        this(type, blockWeights, highBits, 1, runs, false, 0);
    }

    /** Of those that are. */
    PanelFormat(GgmlType type, int blockWeights, float factor, int runs, long magnitudes) {
        this(type, blockWeights, 0, factor, runs, true, magnitudes);
    }

    PanelFormat(
            GgmlType type,
            int blockWeights,
            int highBits,
            float factor,
            int runs,
            boolean isLookedUp,
            long magnitudes) {
        this.type = type;
        this.blockWeights = blockWeights;
        this.highBits = highBits;
        this.factor = factor;
        this.runs = runs;
        this.isLookedUp = isLookedUp;
        this.magnitudes = magnitudes;
    }

    /** The format of a type, or null if it has no packed form. */
    static PanelFormat of(GgmlType type) {
        return switch (type) {
            case Q4_0 -> Q4_0;
            case Q4_1 -> Q4_1;
            case Q4_K -> Q4_K;
            case Q5_0 -> Q5_0;
            case Q5_1 -> Q5_1;
            case Q5_K -> Q5_K;
            case Q6_K -> Q6_K;
            case Q8_0 -> Q8_0;
            case IQ4_NL -> IQ4_NL;
            case IQ4_XS -> IQ4_XS;
            case IQ3_S -> VectorPanels.FLOAT_TILES ? IQ3_S : IQ3_S_LINEAR;
            case IQ3_XXS -> IQ3_XXS;
            case IQ2_S -> IQ2_S;
            case IQ2_XS -> IQ2_XS;
            case IQ2_XXS -> IQ2_XXS;
            default -> null;
        };
    }

    /** c of a nibble, where it is looked up: in IQ4's table, or a grid's magnitude with the sign that the highest bit is. */
    int lookUp(int nibble) {
        if (magnitudes == 0) {
            return DequantizeIQuants.IQ4_VALUES[nibble];
        }
        int magnitude = (int) (magnitudes >>> (8 * (nibble & 7))) & 0xff;
        return nibble < 8 ? magnitude : -magnitude;
    }

    /** Whether c is looked up and at most 31, so that 16 columns' products fit a short as those of six bits do. */
    boolean isSmall() {
        return this == IQ3_XXS;
    }

    /** Into how many sums that fit a short a block of 32 columns falls: runs, or what |c| allows. */
    int sums() {
        return isSmall() ? 2 : runs;
    }

    /** Whether weights have an offset beside their scale. */
    boolean hasCentre() {
        return switch (this) {
            case Q4_1, Q4_K, Q5_1, Q5_K, IQ3_S_LINEAR -> true;
            default -> false;
        };
    }

    /**
     * Writes the low nibbles of the block at {@code block}: of each 32 columns four ints, {@code stride} apart; the next 32 columns'
     * are {@code step} on. Int i holds columns 8i + 0, 4, 1, 5, 2, 6, 3, 7 from its lowest nibble to its highest: the order in
     * which two words of four bytes merge with one shift.
     */
    void packLow(byte[] src, int block, int[] to, int at, int step, int stride) {
        switch (this) {
            case Q4_0, IQ4_NL -> nibblesOfHalves(src, block + 2, to, at, stride);
            case Q4_1 -> nibblesOfHalves(src, block + 4, to, at, stride);
            case Q5_0 -> nibblesOfHalves(src, block + 6, to, at, stride);
            case Q5_1 -> nibblesOfHalves(src, block + 8, to, at, stride);
            case Q4_K, Q5_K -> {
                int from = block + (this == Q4_K ? 16 : 48);
                for (int i = 0; i < 4; i++) {
                    nibbles(src, from + 32 * i, to, at + 2 * i * step, step, stride);
                }
            }
            case Q6_K -> {
                for (int i = 0; i < 4; i++) {
                    int j = 4 * (i / 2) + i % 2;
                    nibbles(src, block + 32 * i, to, at + j * step, 2 * step, stride);
                }
            }
            case Q8_0 -> {
                for (int i = 0; i < 4; i++) {
                    to[at + i * stride] = fields(int64(src, block + 2 + 8 * i), NIBBLE);
                }
            }
            case IQ4_XS -> {
                for (int j = 0; j < blockWeights / BLOCK; j++) {
                    nibblesOfHalves(src, block + 8 + 16 * j, to, at + j * step, stride);
                }
            }
            case IQ3_S, IQ3_S_LINEAR, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> {
                for (int j = 0; j < blockWeights / BLOCK; j++) {
                    for (int i = 0; i < 4; i++) {
                        int codes = codes(src, block, j, i);
                        to[at + j * step + i * stride] = this == IQ3_S_LINEAR ? linear(codes) : codes;
                    }
                }
            }
        }
    }

    /** The number m of a magnitude 2·m + 1 becomes 8 + m, of a negative one 7 - m. */
    private static int linear(int codes) {
        int negative = codes & 0x88888888;
        return codes ^ (0x88888888 | (negative - (negative >>> 3)));
    }

    /**
     * Eight weights of a grid, the i-th eight of sub-block j: each nibble is a magnitude's number and, highest, the sign.
     * In the order of {@link #packLow}.
     */
    private int codes(byte[] src, int block, int j, int i) {
        int at = 4 * j + i;
        return switch (this) {
            case IQ3_S, IQ3_S_LINEAR -> {
                int qs = block + DequantizeIQuants.IQ3_S_QS + 2 * at;
                int qh = src[block + DequantizeIQuants.IQ3_S_QH + j] >>> (2 * i);
                int first = Grids.IQ3_S[(src[qs] & 0xff) | (qh & 1) << 8];
                int second = Grids.IQ3_S[(src[qs + 1] & 0xff) | (qh & 2) << 7];
                yield codes(first >>> 1, second >>> 1, src[block + DequantizeIQuants.IQ3_S_SIGNS + at]);
            }
            case IQ3_XXS -> {
                int qs = block + DequantizeIQuants.IQ3_XXS_QS + 2 * at;
                int aux = int32(src, block + DequantizeIQuants.IQ3_XXS_AUX + 4 * j);
                int first = Grids.IQ3_XXS[src[qs] & 0xff];
                int second = Grids.IQ3_XXS[src[qs + 1] & 0xff];
                yield codes(first >>> 3, second >>> 3, DequantizeIQuants.signs(aux >>> (7 * i)));
            }
            case IQ2_S -> {
                int qh = src[block + DequantizeIQuants.IQ2_S_QH + j] >>> (2 * i);
                long point = Grids.IQ2_S[(src[block + DequantizeIQuants.IQ2_S_QS + at] & 0xff) | (qh & 3) << 8];
                yield codes((int) point >>> 4, (int) (point >>> 36), src[block + DequantizeIQuants.IQ2_S_SIGNS + at]);
            }
            case IQ2_XS -> {
                int q = (short) SHORT.get(src, block + DequantizeIQuants.IQ2_XS_QS + 2 * at);
                long point = Grids.IQ2_XS[q & 0x1ff];
                yield codes((int) point >>> 4, (int) (point >>> 36), DequantizeIQuants.signs(q >>> 9));
            }
            case IQ2_XXS -> {
                int qs = block + DequantizeIQuants.IQ2_XXS_QS + 8 * j;
                long point = Grids.IQ2_XXS[src[qs + i] & 0xff];
                int signs = DequantizeIQuants.signs(int32(src, qs + 4) >>> (7 * i));
                yield codes((int) point >>> 4, (int) (point >>> 36), signs);
            }
            default -> throw new IllegalStateException(this + " has no grid");
        };
    }

    private static int codes(int first, int second, int signs) {
        return (first & 0x07070707) | (second & 0x07070707) << 4 | fields(spread(signs), LOWEST) << 3;
    }

    /**
     * Writes the high bits of the same weights, in the same order: of each 32 columns as many ints as a weight has high bits. The
     * fields of int i of the nibbles are in int i / (4 / highBits), shifted left by highBits·(i mod (4 / highBits)).
     */
    void packHigh(byte[] src, int block, int[] to, int at, int step, int stride) {
        switch (this) {
            case Q5_0 -> to[at] = bits(int32(src, block + 2));
            case Q5_1 -> to[at] = bits(int32(src, block + 4));
            case Q5_K -> {
                for (int j = 0; j < blockWeights / BLOCK; j++) {
                    int fields = 0;
                    for (int i = 0; i < 4; i++) {
                        fields |= fields(int64(src, block + 16 + 8 * i) >>> j, LOWEST) << i;
                    }
                    to[at + j * step] = fields;
                }
            }
            case Q6_K -> {
                for (int j = 0; j < blockWeights / BLOCK; j++) {
                    int from = block + 128 + (j >> 2) * 32;
                    int shift = 2 * (j & 3);
                    for (int h = 0; h < 2; h++) {
                        to[at + j * step + h * stride] = fields(int64(src, from + 16 * h) >>> shift, TWO_BITS)
                                | fields(int64(src, from + 16 * h + 8) >>> shift, TWO_BITS) << 2;
                    }
                }
            }
            case Q8_0 -> {
                for (int i = 0; i < 4; i++) {
                    to[at + i * stride] = fields(int64(src, block + 2 + 8 * i) >>> 4, NIBBLE) ^ 0x88888888;
                }
            }
            case Q4_0, Q4_1, Q4_K, IQ4_NL, IQ4_XS, IQ3_S, IQ3_S_LINEAR, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> {}
        }
    }

    /**
     * Q6_K: writes a block's weights, of each 16 columns three ints, {@code stride} apart; the next 32 columns' are {@code step}
     * on. Their bytes hold four columns each, and in their two highest bits, the lowest first, what the last four columns are.
     */
    static void packSixBits(byte[] src, int block, int[] to, int at, int step, int stride) {
        for (int i = 0; i < Q6_K.blockWeights / 16; i++) {
            int j = i / 2;
            int low = block + (j >> 2) * 64 + (j & 1) * 32 + i % 2 * 16;
            int high = block + 128 + (j >> 2) * 32 + i % 2 * 16;
            long first = sixBits(src, low, high, j);
            long second = sixBits(src, low + 8, high + 8, j);
            int last = (int) (second >>> 32);
            int o = at + j * step + i % 2 * 3 * stride;
            to[o] = (int) first | (last & 0x03030303) << 6;
            to[o + stride] = (int) (first >>> 32) | (last & 0x0c0c0c0c) << 4;
            to[o + 2 * stride] = (int) second | (last & 0x30303030) << 2;
        }
    }

    /** Eight columns of sub-block j, a byte each. */
    private static long sixBits(byte[] src, int low, int high, int j) {
        return ((int64(src, low) >>> (4 * ((j >> 1) & 1))) & NIBBLE)
                | ((int64(src, high) >>> (2 * (j & 3))) & TWO_BITS) << 4;
    }

    /**
     * Five bits: writes a block's weights, of each 32 columns five ints, {@code stride} apart; the next 32 columns' are {@code
     * step} on. Their bytes hold four columns each, and their three highest bits, taken from the lowest on, the bits of the last
     * twelve columns.
     */
    void packFiveBits(byte[] src, int block, int[] to, int at, int step, int stride) {
        for (int j = 0; j < blockWeights / BLOCK; j++) {
            long a = fiveBits(src, block, j, 0);
            long b = fiveBits(src, block, j, 1);
            long c = fiveBits(src, block, j, 2);
            long d = fiveBits(src, block, j, 3);
            int f = (int) (c >>> 32);
            int g = (int) d;
            int h = (int) (d >>> 32);
            int o = at + j * step;
            to[o] = (int) a | (f & 0x07070707) << 5;
            to[o + stride] = (int) (a >>> 32) | (f & 0x18181818) << 2 | (g & 0x01010101) << 7;
            to[o + 2 * stride] = (int) b | (g & 0x0e0e0e0e) << 4;
            to[o + 3 * stride] = (int) (b >>> 32) | (g & 0x10101010) << 1 | (h & 0x03030303) << 6;
            to[o + 4 * stride] = (int) c | (h & 0x1c1c1c1c) << 3;
        }
    }

    /** Columns 8k to 8k + 7 of sub-block j, a byte each. */
    private long fiveBits(byte[] src, int block, int j, int k) {
        if (this == Q5_K) {
            long low = int64(src, block + 48 + (j >> 1) * 32 + 8 * k) >>> (4 * (j & 1));
            return (low & NIBBLE) | ((int64(src, block + 16 + 8 * k) >>> j) & LOWEST) << 4;
        }
        int bits = block + (this == Q5_0 ? 2 : 4);
        long low = int64(src, bits + 4 + 8 * (k & 1)) >>> (4 * (k >> 1));
        return (low & NIBBLE) | spread(src[bits + k]) << 4;
    }

    /**
     * IQ4: writes a block in pairs of bytes as the file has them, whose nibbles are columns i and 16 + i, of each 32 columns in the
     * order 0, 4, 1, 5, 2, 6, 3, 7, {@code stride} ints apart: what follow one another are columns that are eight apart. The next 32
     * columns' are {@code step} on. A pair of row r is short r.
     */
    void packTwos(byte[] src, int block, int[] to, int at, int r, int step, int stride) {
        int from = this == IQ4_NL ? block + 2 : block + 8;
        int shift = 16 * (r & 1);
        for (int j = 0; j < blockWeights / BLOCK; j++) {
            long first = int64(src, from + 16 * j);
            long second = int64(src, from + 16 * j + 8);
            int o = at + j * step + r / 2;
            for (int i = 0; i < 4; i++) {
                to[o + 2 * i * stride] |= (int) (first >>> (16 * i) & 0xffff) << shift;
                to[o + (2 * i + 1) * stride] |= (int) (second >>> (16 * i) & 0xffff) << shift;
            }
        }
    }

    /**
     * Q8_0: writes a block's weights as bytes: eight ints of four columns each, in order.
     *
     * @param flipped bits that are turned round: the highest of each byte, which adds 128, or none
     */
    static void packEightBits(byte[] src, int block, int flipped, int[] to, int at, int stride) {
        for (int i = 0; i < 8; i++) {
            to[at + i * stride] = int32(src, block + 2 + 4 * i) ^ flipped;
        }
    }

    private static int int32(byte[] src, int at) {
        return (int) INT.get(src, at);
    }

    private static long int64(byte[] src, int at) {
        return (long) LONG.get(src, at);
    }

    /** The lowest bits of eight bytes, the nibbles of the result: those of the first four bytes even, of the others odd. */
    private static int fields(long bytes, long mask) {
        long fields = bytes & mask;
        return (int) (fields | fields >>> (32 - 4));
    }

    /** 32 bytes: low nibbles are columns 0 to 31, high ones 32 columns that are {@code step} on. */
    private static void nibbles(byte[] src, int from, int[] to, int at, int step, int stride) {
        for (int i = 0; i < 4; i++) {
            long eight = int64(src, from + 8 * i);
            to[at + i * stride] = fields(eight, NIBBLE);
            to[at + step + i * stride] = fields(eight >>> 4, NIBBLE);
        }
    }

    /** 16 bytes: low nibbles are columns 0-15, high ones 16-31. */
    private static void nibblesOfHalves(byte[] src, int from, int[] to, int at, int stride) {
        nibblesOfEight(int64(src, from), to, at, stride);
        nibblesOfEight(int64(src, from + 8), to, at + stride, stride);
    }

    private static void nibblesOfEight(long eight, int[] to, int at, int stride) {
        to[at] = fields(eight, NIBBLE);
        to[at + 2 * stride] = fields(eight >>> 4, NIBBLE);
    }

    /** Bit k of a word is the high bit of column k. */
    private static int bits(int word) {
        int fields = 0;
        for (int i = 0; i < 4; i++) {
            fields |= fields(spread(word >>> (8 * i)), LOWEST) << i;
        }
        return fields;
    }

    /** The eight lowest bits, each to the lowest bit of a byte: seven by copies that are seven bits apart. */
    private static long spread(int x) {
        return ((x & 0x7fL) * 0x0002040810204081L & LOWEST) | (x & 0x80L) << 49;
    }

    /** d. */
    short d(byte[] src, int block) {
        return finite((short) SHORT.get(src, this == Q6_K ? block + 208 : block));
    }

    /** The second half: m of Q4_1 and Q5_1, dmin of Q4_K and Q5_K. */
    short m(byte[] src, int block) {
        return finite((short) SHORT.get(src, block + 2));
    }

    /** The kernels widen halves by a shift, which would make a large number of an infinite one. */
    private static short finite(short half) {
        if ((half & 0x7c00) == 0x7c00) {
            throw new ArithmeticException("a block's scale is not a finite number");
        }
        return half;
    }

    /** The signed scales of runs 4g..4g+3 of a 256-wide block of Q6_K or IQ4_XS, a byte each. */
    int signedScales(byte[] src, int block, int g) {
        if (this == Q6_K) {
            return int32(src, block + 192 + g * 4);
        }
        int lows = (short) SHORT.get(src, block + DequantizeIQuants.IQ4_XS_SCALES_L + 2 * g);
        int highs = (short) SHORT.get(src, block + DequantizeIQuants.IQ4_XS_SCALES_H) >>> (8 * g);
        int scales = 0;
        for (int i = 0; i < 4; i++) {
            int scale = (((lows >>> (4 * i)) & 15) | (((highs >>> (2 * i)) & 3) << 4)) - 32;
            scales |= (scale & 0xff) << (8 * i);
        }
        return scales;
    }

    /** The scales of runs 8g..8g+7 of a 256-wide block of three or two bits: s, half a byte, of 2·s + 1. */
    int oddScales(byte[] src, int block, int g) {
        return switch (this) {
            case IQ3_S, IQ3_S_LINEAR -> int32(src, block + DequantizeIQuants.IQ3_S_SCALES);
            case IQ2_S -> int32(src, block + DequantizeIQuants.IQ2_S_SCALES + 4 * g);
            case IQ2_XS -> int32(src, block + DequantizeIQuants.IQ2_XS_SCALES + 4 * g);
            case IQ3_XXS -> highestNibbles(src, block + DequantizeIQuants.IQ3_XXS_AUX, 4);
            case IQ2_XXS -> highestNibbles(src, block + DequantizeIQuants.IQ2_XXS_QS + 4, 8);
            default -> throw new IllegalStateException(this + " has no such scales");
        };
    }

    /** Those of eight ints that stand so many bytes apart. */
    private static int highestNibbles(byte[] src, int at, int step) {
        int nibbles = 0;
        for (int i = 0; i < 8; i++) {
            nibbles |= (int32(src, at + i * step) >>> 28) << (4 * i);
        }
        return nibbles;
    }

    /**
     * Q4_K and Q5_K: writes four ints, {@code stride} apart, of a scale and a minimum of two sub-blocks each, six bits in a byte,
     * and in the bytes' highest two bits, the lowest first, d and dmin.
     */
    void packScalesAndMinima(byte[] src, int block, int[] to, int at, int stride) {
        int halves = (d(src, block) & 0xffff) | m(src, block) << 16;
        long low = int64(src, block + 4);
        int scales = (int) low;
        int minima = (int) (low >>> 32);
        int high = int32(src, block + 12);
        putScalesAndMinima(scales & 0x3f3f3f3f, minima & 0x3f3f3f3f, halves, to, at, stride);
        scales = (high & 0x0f0f0f0f) | ((scales >>> 2) & 0x30303030);
        minima = ((high >>> 4) & 0x0f0f0f0f) | ((minima >>> 2) & 0x30303030);
        putScalesAndMinima(scales, minima, halves >>> 4, to, at + 2 * stride, stride);
    }

    private static void putScalesAndMinima(int scales, int minima, int halves, int[] to, int at, int stride) {
        for (int p = 0; p < 2; p++) {
            int s = scales >>> (16 * p);
            int m = minima >>> (16 * p);
            to[at + p * stride] = (s & 0xff)
                    | (m & 0xff) << 8
                    | (s & 0xff00) << 8
                    | (m & 0xff00) << 16
                    | ((halves >>> (2 * p)) & 0x03030303) << 6;
        }
    }
}
