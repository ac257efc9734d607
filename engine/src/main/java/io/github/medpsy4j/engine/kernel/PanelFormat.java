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
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

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
     * Writes the low nibbles of the 32-wide sub-block j of the block at {@code block}: four ints, {@code stride} apart.
     * Int i holds columns 8i + 0, 4, 1, 5, 2, 6, 3, 7 from its lowest nibble to its highest: the order in which two
     * words of four bytes merge with one shift.
     */
    void packLow(byte[] src, int block, int j, int[] to, int at, int stride) {
        switch (this) {
            case Q4_0 -> nibblesOfHalves(src, block + 2, to, at, stride);
            case Q4_1 -> nibblesOfHalves(src, block + 4, to, at, stride);
            case Q5_0 -> nibblesOfHalves(src, block + 6, to, at, stride);
            case Q5_1 -> nibblesOfHalves(src, block + 8, to, at, stride);
            case Q4_K -> nibbles(src, block + 16 + (j >> 1) * 32, 4 * (j & 1), 0, to, at, stride);
            case Q5_K -> nibbles(src, block + 48 + (j >> 1) * 32, 4 * (j & 1), 0, to, at, stride);
            case Q6_K -> nibbles(src, block + (j >> 2) * 64 + (j & 1) * 32, 4 * ((j >> 1) & 1), 0, to, at, stride);
            case Q8_0 -> nibbles(src, block + 2, 0, 0, to, at, stride);
            case IQ4_NL -> nibblesOfHalves(src, block + 2, to, at, stride);
            case IQ4_XS -> nibblesOfHalves(src, block + 8 + 16 * j, to, at, stride);
            case IQ3_S, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> {
                for (int i = 0; i < 4; i++) {
                    to[at + i * stride] = codes(src, block, j, i);
                }
            }
            case IQ3_S_LINEAR -> {
                for (int i = 0; i < 4; i++) {
                    // The number m of a magnitude 2·m + 1 becomes 8 + m, of a negative one 7 - m.
                    int codes = codes(src, block, j, i);
                    int negative = codes & 0x88888888;
                    to[at + i * stride] = codes ^ (0x88888888 | (negative - (negative >>> 3)));
                }
            }
        }
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
        return ((first & 0x07070707) | spread(signs) << 3) | ((second & 0x07070707) | spread(signs >>> 4) << 3) << 4;
    }

    /**
     * Writes the high bits of the same weights, in the same order: as many ints as a weight has high bits. The fields of
     * int i of the nibbles are in int i / (4 / highBits), shifted left by highBits·(i mod (4 / highBits)).
     */
    void packHigh(byte[] src, int block, int j, int[] to, int at, int stride) {
        switch (this) {
            case Q5_0 -> to[at] = bits(int32(src, block + 2));
            case Q5_1 -> to[at] = bits(int32(src, block + 4));
            case Q5_K -> {
                int fields = 0;
                for (int i = 0; i < 4; i++) {
                    fields |= fields(src, block + 16 + 8 * i, j, 0x01010101) << i;
                }
                to[at] = fields;
            }
            case Q6_K -> {
                int from = block + 128 + (j >> 2) * 32;
                int shift = 2 * (j & 3);
                for (int h = 0; h < 2; h++) {
                    to[at + h * stride] = fields(src, from + 16 * h, shift, 0x03030303)
                            | fields(src, from + 16 * h + 8, shift, 0x03030303) << 2;
                }
            }
            case Q8_0 -> nibbles(src, block + 2, 4, 0x88888888, to, at, stride);
            case Q4_0, Q4_1, Q4_K, IQ4_NL, IQ4_XS, IQ3_S, IQ3_S_LINEAR, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> {}
        }
    }

    /**
     * Q6_K: writes the sub-block j's 32 weights, of each 16 columns three ints, {@code stride} apart. Their bytes hold four
     * columns each, and in their two highest bits, the lowest first, what the last four columns are.
     */
    static void packSixBits(byte[] src, int block, int j, int[] to, int at, int stride) {
        int low = block + (j >> 2) * 64 + (j & 1) * 32;
        int high = block + 128 + (j >> 2) * 32;
        int shift = 4 * ((j >> 1) & 1);
        int highShift = 2 * (j & 3);
        for (int h = 0; h < 2; h++) {
            int last = sixBits(src, low + 16 * h + 12, shift, high + 16 * h + 12, highShift);
            for (int i = 0; i < 3; i++) {
                int four = sixBits(src, low + 16 * h + 4 * i, shift, high + 16 * h + 4 * i, highShift);
                to[at + (3 * h + i) * stride] = four | ((last >>> (2 * i)) & 0x03030303) << 6;
            }
        }
    }

    /**
     * Five bits: writes the 32 weights of sub-block j as five ints, {@code stride} apart. Their bytes hold four columns each, and
     * their three highest bits, taken from the lowest on, the bits of the last twelve columns.
     */
    void packFiveBits(byte[] src, int block, int j, int[] to, int at, int stride) {
        int f = fiveBits(src, block, j, 5);
        int g = fiveBits(src, block, j, 6);
        int h = fiveBits(src, block, j, 7);
        to[at] = fiveBits(src, block, j, 0) | (f & 0x07070707) << 5;
        to[at + stride] = fiveBits(src, block, j, 1) | (f & 0x18181818) << 2 | (g & 0x01010101) << 7;
        to[at + 2 * stride] = fiveBits(src, block, j, 2) | (g & 0x0e0e0e0e) << 4;
        to[at + 3 * stride] = fiveBits(src, block, j, 3) | (g & 0x10101010) << 1 | (h & 0x03030303) << 6;
        to[at + 4 * stride] = fiveBits(src, block, j, 4) | (h & 0x1c1c1c1c) << 3;
    }

    /** Columns 4k to 4k + 3 of sub-block j, a byte each. */
    private int fiveBits(byte[] src, int block, int j, int k) {
        if (this == Q5_K) {
            int low = int32(src, block + 48 + (j >> 1) * 32 + 4 * k) >>> (4 * (j & 1));
            int high = int32(src, block + 16 + 4 * k) >>> j;
            return (low & 0x0f0f0f0f) | (high & 0x01010101) << 4;
        }
        int bits = block + (this == Q5_0 ? 2 : 4);
        int low = int32(src, bits + 4 + 4 * (k & 3)) >>> (4 * (k >> 2));
        return (low & 0x0f0f0f0f) | spread(int32(src, bits) >>> (4 * k)) << 4;
    }

    private static int sixBits(byte[] src, int low, int shift, int high, int highShift) {
        return ((int32(src, low) >>> shift) & 0x0f0f0f0f) | ((int32(src, high) >>> highShift) & 0x03030303) << 4;
    }

    /**
     * IQ4: writes sub-block j in pairs of bytes as the file has them, whose nibbles are columns i and 16 + i, in the order 0, 4, 1,
     * 5, 2, 6, 3, 7: what follow one another are columns that are eight apart. A pair of row r is short r of {@code stride} ints.
     */
    void packTwos(byte[] src, int block, int j, int[] to, int at, int r, int stride) {
        int from = this == IQ4_NL ? block + 2 : block + 8 + 16 * j;
        int shift = 16 * (r & 1);
        for (int i = 0; i < 8; i++) {
            int pair = i / 2 + i % 2 * 4;
            to[at + i * stride + r / 2] |= ((short) SHORT.get(src, from + 2 * pair) & 0xffff) << shift;
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

    /** A field of each of eight bytes, the nibbles of the result: those of the first four bytes even, of the others odd. */
    private static int fields(byte[] src, int at, int shift, int mask) {
        return ((int32(src, at) >>> shift) & mask) | ((int32(src, at + 4) >>> shift) & mask) << 4;
    }

    /** 32 bytes with a nibble of each column. */
    private static void nibbles(byte[] src, int from, int shift, int flip, int[] to, int at, int stride) {
        for (int i = 0; i < 4; i++) {
            to[at + i * stride] = fields(src, from + 8 * i, shift, 0x0f0f0f0f) ^ flip;
        }
    }

    /** 16 bytes: low nibbles are columns 0-15, high ones 16-31. */
    private static void nibblesOfHalves(byte[] src, int from, int[] to, int at, int stride) {
        for (int i = 0; i < 4; i++) {
            to[at + i * stride] = fields(src, from + 8 * (i & 1), 4 * (i >> 1), 0x0f0f0f0f);
        }
    }

    /** Bit k of a word is the high bit of column k. */
    private static int bits(int word) {
        int fields = 0;
        for (int i = 0; i < 4; i++) {
            int eight = word >>> (8 * i);
            fields |= (spread(eight) | spread(eight >>> 4) << 4) << i;
        }
        return fields;
    }

    /** The four lowest bits, each to the lowest bit of a byte. */
    private static int spread(int x) {
        return ((x & 15) * 0x00204081) & 0x01010101;
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

    /** Q4_K and Q5_K: scale and minimum of sub-block 2p, then of 2p + 1, six bits each in a byte. */
    static int scalesAndMinima(byte[] src, int block, int p) {
        int shift = 16 * (p & 1);
        int scales;
        int minima;
        if (p < 2) {
            scales = int32(src, block + 4) & 0x3f3f3f3f;
            minima = int32(src, block + 8) & 0x3f3f3f3f;
        } else {
            scales = (int32(src, block + 12) & 0x0f0f0f0f) | ((int32(src, block + 4) >>> 2) & 0x30303030);
            minima = ((int32(src, block + 12) >>> 4) & 0x0f0f0f0f) | ((int32(src, block + 8) >>> 2) & 0x30303030);
        }
        scales >>>= shift;
        minima >>>= shift;
        return (scales & 0xff) | (minima & 0xff) << 8 | (scales & 0xff00) << 8 | (minima & 0xff00) << 16;
    }
}
