package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The types that {@link PanelMatrix} packs: each weight is scale·c + centre, where c is an integer made of a low nibble
 * and, beyond four bits, of high bits. How their blocks are read from the file is here.
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
    Q8_0(GgmlType.Q8_0, 32, 4, 1);

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    final GgmlType type;
    final int blockWeights;
    /** Bits of a weight beyond its low nibble. */
    final int highBits;
    /** Into how many parts a block of 32 columns falls, whose products with centred integers fit 16 bits. */
    final int tileParts;

    PanelFormat(GgmlType type, int blockWeights, int highBits, int tileParts) {
        this.type = type;
        this.blockWeights = blockWeights;
        this.highBits = highBits;
        this.tileParts = tileParts;
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
            default -> null;
        };
    }

    /** Whether weights have an offset beside their scale. */
    boolean hasCentre() {
        return this == Q4_1 || this == Q4_K || this == Q5_1 || this == Q5_K;
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
        }
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
            case Q4_0, Q4_1, Q4_K -> {}
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

    /** Q6_K: the signed scales of the 16-wide runs 4g..4g+3, a byte each. */
    static int scales(byte[] src, int block, int g) {
        return int32(src, block + 192 + g * 4);
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
