package io.github.medpsy4j.engine.kernel;

import static io.github.medpsy4j.engine.kernel.BlockDecoder.f16;
import static io.github.medpsy4j.engine.kernel.DequantizeLegacy.HALF;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.B;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.F;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.I;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.IOTA;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.LANES;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.PAIR;
import static jdk.incubator.vector.VectorOperators.B2I;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** {@link DequantizeLegacy} in vectors; the layouts are there. */
final class VectorLegacy {
    private VectorLegacy() {}

    static void q4_0(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.Q4_0, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeLegacy.Q4_0_BYTES;
            int out = dstOffset + b * DequantizeLegacy.WEIGHTS;
            FloatVector d = FloatVector.broadcast(F, f16(src, block));
            long qs = block + DequantizeLegacy.Q4_0_QS;
            for (int j = 0; j < HALF; j += LANES) {
                IntVector q = (IntVector) (LANES == 4
                                ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, qs + j))
                                        .reinterpretAsBytes()
                                : ByteVector.fromMemorySegment(B, src, qs + j, ByteOrder.LITTLE_ENDIAN))
                        .convertShape(ZERO_EXTEND_B2I, I, 0);
                ((FloatVector) q.and(0x0F).sub(8).convertShape(I2F, F, 0))
                        .mul(d)
                        .intoArray(dst, out + j);
                ((FloatVector) q.lanewise(LSHR, 4).sub(8).convertShape(I2F, F, 0))
                        .mul(d)
                        .intoArray(dst, out + HALF + j);
            }
        }
    }

    static void q4_1(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.Q4_1, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeLegacy.Q4_1_BYTES;
            int out = dstOffset + b * DequantizeLegacy.WEIGHTS;
            FloatVector d = FloatVector.broadcast(F, f16(src, block));
            FloatVector m = FloatVector.broadcast(F, f16(src, block + DequantizeLegacy.Q4_1_M));
            long qs = block + DequantizeLegacy.Q4_1_QS;
            for (int j = 0; j < HALF; j += LANES) {
                IntVector q = (IntVector) (LANES == 4
                                ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, qs + j))
                                        .reinterpretAsBytes()
                                : ByteVector.fromMemorySegment(B, src, qs + j, ByteOrder.LITTLE_ENDIAN))
                        .convertShape(ZERO_EXTEND_B2I, I, 0);
                ((FloatVector) q.and(0x0F).convertShape(I2F, F, 0))
                        .mul(d)
                        .add(m)
                        .intoArray(dst, out + j);
                ((FloatVector) q.lanewise(LSHR, 4).convertShape(I2F, F, 0))
                        .mul(d)
                        .add(m)
                        .intoArray(dst, out + HALF + j);
            }
        }
    }

    // The fifth bits: weight j finds its own in bit 4 of low >>> j, weight 16 + j in bit 4 of high >>> j.

    static void q5_0(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.Q5_0, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeLegacy.Q5_0_BYTES;
            int out = dstOffset + b * DequantizeLegacy.WEIGHTS;
            FloatVector d = FloatVector.broadcast(F, f16(src, block));
            int qh = src.get(BlockDecoder.INT, block + DequantizeLegacy.Q5_0_QH);
            IntVector low = IntVector.broadcast(I, qh << 4);
            IntVector high = IntVector.broadcast(I, qh >>> 12);
            long qs = block + DequantizeLegacy.Q5_0_QS;
            for (int j = 0; j < HALF; j += LANES) {
                IntVector weight = IOTA.add(j);
                IntVector q = (IntVector) (LANES == 4
                                ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, qs + j))
                                        .reinterpretAsBytes()
                                : ByteVector.fromMemorySegment(B, src, qs + j, ByteOrder.LITTLE_ENDIAN))
                        .convertShape(ZERO_EXTEND_B2I, I, 0);
                ((FloatVector) q.and(0x0F)
                                .or(low.lanewise(LSHR, weight).and(0x10))
                                .sub(16)
                                .convertShape(I2F, F, 0))
                        .mul(d)
                        .intoArray(dst, out + j);
                ((FloatVector) q.lanewise(LSHR, 4)
                                .or(high.lanewise(LSHR, weight).and(0x10))
                                .sub(16)
                                .convertShape(I2F, F, 0))
                        .mul(d)
                        .intoArray(dst, out + HALF + j);
            }
        }
    }

    static void q5_1(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.Q5_1, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeLegacy.Q5_1_BYTES;
            int out = dstOffset + b * DequantizeLegacy.WEIGHTS;
            FloatVector d = FloatVector.broadcast(F, f16(src, block));
            FloatVector m = FloatVector.broadcast(F, f16(src, block + DequantizeLegacy.Q5_1_M));
            int qh = src.get(BlockDecoder.INT, block + DequantizeLegacy.Q5_1_QH);
            IntVector low = IntVector.broadcast(I, qh << 4);
            IntVector high = IntVector.broadcast(I, qh >>> 12);
            long qs = block + DequantizeLegacy.Q5_1_QS;
            for (int j = 0; j < HALF; j += LANES) {
                IntVector weight = IOTA.add(j);
                IntVector q = (IntVector) (LANES == 4
                                ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, qs + j))
                                        .reinterpretAsBytes()
                                : ByteVector.fromMemorySegment(B, src, qs + j, ByteOrder.LITTLE_ENDIAN))
                        .convertShape(ZERO_EXTEND_B2I, I, 0);
                ((FloatVector) q.and(0x0F)
                                .or(low.lanewise(LSHR, weight).and(0x10))
                                .convertShape(I2F, F, 0))
                        .mul(d)
                        .add(m)
                        .intoArray(dst, out + j);
                ((FloatVector) q.lanewise(LSHR, 4)
                                .or(high.lanewise(LSHR, weight).and(0x10))
                                .convertShape(I2F, F, 0))
                        .mul(d)
                        .add(m)
                        .intoArray(dst, out + HALF + j);
            }
        }
    }

    static void q8_0(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.Q8_0, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeLegacy.Q8_0_BYTES;
            int out = dstOffset + b * DequantizeLegacy.WEIGHTS;
            FloatVector d = FloatVector.broadcast(F, f16(src, block));
            long qs = block + DequantizeLegacy.Q8_0_QS;
            for (int j = 0; j < DequantizeLegacy.WEIGHTS; j += LANES) {
                IntVector q = (IntVector) (LANES == 4
                                ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, qs + j))
                                        .reinterpretAsBytes()
                                : ByteVector.fromMemorySegment(B, src, qs + j, ByteOrder.LITTLE_ENDIAN))
                        .convertShape(B2I, I, 0);
                ((FloatVector) q.convertShape(I2F, F, 0)).mul(d).intoArray(dst, out + j);
            }
        }
    }
}
