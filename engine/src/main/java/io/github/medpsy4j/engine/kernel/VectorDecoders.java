package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Objects;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Decoders in the Vector API, equal to {@link BlockDecoder} bit for bit, except that any NaN equals any other. They
 * refuse the same arguments.
 *
 * <p>All follow one pattern. Bytes are widened to as many ints as a float vector has lanes, picked apart there, converted
 * (exactly) and multiplied in the scalar decoder's order. A block's loop runs over bytes, so one load serves all the
 * weights that share these bytes. Vectors stay inside one method: C2 boxes what crosses a call that it does not inline.
 */
final class VectorDecoders {
    // Sub-blocks have 16 weights: wider vectors than 512 bits would not fit them.
    private static final VectorShape SHAPE =
            VectorShape.forBitSize(Math.clamp(FloatVector.SPECIES_PREFERRED.vectorBitSize(), 128, 512));

    static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
    static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
    static final int LANES = F.length();

    /**
     * The bytes that become one vector of ints. There is no shape of four bytes: at 128 bits an int is read and broadcast
     * to {@link #PAIR}, whose first four bytes are then the ones widened. (Reading eight would leave the segment.)
     */
    static final VectorSpecies<Byte> B = LANES == 16 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_64;

    static final VectorSpecies<Integer> PAIR = IntVector.SPECIES_64;

    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(SHAPE.vectorBitSize() / 2));

    /** 0, 1, 2, … */
    static final IntVector IOTA = IntVector.zero(I).addIndex(1);

    private VectorDecoders() {}

    /**
     * The decoder of a type.
     *
     * @throws IllegalArgumentException if there is none for {@code type}; the message names it
     */
    static WeightDecoder of(GgmlType type) {
        return switch (type) {
            case BF16 -> VectorDecoders::bf16;
            case Q4_0 -> VectorLegacy::q4_0;
            case Q4_1 -> VectorLegacy::q4_1;
            case Q5_0 -> VectorLegacy::q5_0;
            case Q5_1 -> VectorLegacy::q5_1;
            case Q8_0 -> VectorLegacy::q8_0;
            case Q2_K -> VectorKQuants::q2K;
            case Q3_K -> VectorKQuants::q3K;
            case Q4_K -> VectorKQuants::q4K;
            case Q5_K -> VectorKQuants::q5K;
            case Q6_K -> VectorKQuants::q6K;
            case IQ4_NL -> VectorIQuants::iq4Nl;
            case IQ4_XS -> VectorIQuants::iq4Xs;
            case IQ3_S -> VectorIQuants::iq3S;
            case IQ3_XXS -> VectorIQuants::iq3Xxs;
            case IQ2_S -> VectorIQuants::iq2S;
            case IQ2_XS -> VectorIQuants::iq2Xs;
            case IQ2_XXS -> VectorIQuants::iq2Xxs;
            // F32 is a copy. The plain loop over F16 is vectorized by C2 with the processor's own conversion, which the
            // Vector API lacks: three times as fast as integer shifts in vectors.
            default -> BlockDecoder.of(type);
        };
    }

    /** The number of blocks in {@code count} weights, after the checks that {@link BlockDecoder#decode} makes. */
    static int blocks(GgmlType type, MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = count / type.blockSize();
        if (count < 0 || blocks * type.blockSize() != count) {
            throw new IllegalArgumentException(
                    type + ": count of weights; expected a multiple of " + type.blockSize() + ", got " + count);
        }
        Objects.checkFromIndexSize(srcOffset, (long) blocks * type.blockBytes(), src.byteSize());
        Objects.checkFromIndexSize(dstOffset, count, dst.length);
        return blocks;
    }

    private static void bf16(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        blocks(GgmlType.BF16, src, srcOffset, dst, dstOffset, count);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            IntVector upper =
                    (IntVector) ShortVector.fromMemorySegment(S, src, srcOffset + 2L * i, ByteOrder.LITTLE_ENDIAN)
                            .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            upper.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(dst, dstOffset + i);
        }
        DequantizeFloats.bf16(src, srcOffset + 2L * i, dst, dstOffset + i, count - i);
    }
}
