package io.github.medpsy4j.engine.kernel;

import static io.github.medpsy4j.engine.kernel.BlockDecoder.f16;
import static io.github.medpsy4j.engine.kernel.DequantizeKQuants.sixBits;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.B;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.F;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.I;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.LANES;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.PAIR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** {@link DequantizeKQuants} in vectors; the layouts are there. */
final class VectorKQuants {
    private VectorKQuants() {}

    static void q2K(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.Q2_K, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeKQuants.Q2_K_BYTES;
            int out = dstOffset + b * DequantizeKQuants.WEIGHTS;
            float d = f16(src, block + DequantizeKQuants.Q2_K_D);
            float dmin = f16(src, block + DequantizeKQuants.Q2_K_DMIN);
            // Each byte of a run of 16 holds four weights, 32 apart.
            for (int run = 0; run < 4; run++) {
                int half = run >>> 1;
                int column = 16 * (run & 1);
                int to = out + 128 * half + column;
                long qs = block + DequantizeKQuants.Q2_K_QS + 32 * half + column;
                long scales = src.get(BlockDecoder.LONG, block + 8 * half) >>> (8 * (run & 1));
                FloatVector scale0 = FloatVector.broadcast(F, d * (int) (scales & 0x0F));
                FloatVector scale1 = FloatVector.broadcast(F, d * (int) ((scales >>> 16) & 0x0F));
                FloatVector scale2 = FloatVector.broadcast(F, d * (int) ((scales >>> 32) & 0x0F));
                FloatVector scale3 = FloatVector.broadcast(F, d * (int) ((scales >>> 48) & 0x0F));
                FloatVector min0 = FloatVector.broadcast(F, dmin * (int) ((scales >>> 4) & 0x0F));
                FloatVector min1 = FloatVector.broadcast(F, dmin * (int) ((scales >>> 20) & 0x0F));
                FloatVector min2 = FloatVector.broadcast(F, dmin * (int) ((scales >>> 36) & 0x0F));
                FloatVector min3 = FloatVector.broadcast(F, dmin * (int) ((scales >>> 52) & 0x0F));

                for (int j = 0; j < 16; j += LANES) {
                    IntVector q = (IntVector) (LANES == 4
                                    ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, qs + j))
                                            .reinterpretAsBytes()
                                    : ByteVector.fromMemorySegment(B, src, qs + j, ByteOrder.LITTLE_ENDIAN))
                            .convertShape(ZERO_EXTEND_B2I, I, 0);
                    ((FloatVector) q.and(3).convertShape(I2F, F, 0))
                            .mul(scale0)
                            .sub(min0)
                            .intoArray(dst, to + j);
                    ((FloatVector) q.lanewise(LSHR, 2).and(3).convertShape(I2F, F, 0))
                            .mul(scale1)
                            .sub(min1)
                            .intoArray(dst, to + 32 + j);
                    ((FloatVector) q.lanewise(LSHR, 4).and(3).convertShape(I2F, F, 0))
                            .mul(scale2)
                            .sub(min2)
                            .intoArray(dst, to + 64 + j);
                    ((FloatVector) q.lanewise(LSHR, 6).convertShape(I2F, F, 0))
                            .mul(scale3)
                            .sub(min3)
                            .intoArray(dst, to + 96 + j);
                }
            }
        }
    }

    static void q3K(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.Q3_K, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeKQuants.Q3_K_BYTES;
            int out = dstOffset + b * DequantizeKQuants.WEIGHTS;
            float d = f16(src, block + DequantizeKQuants.Q3_K_D);
            // Sixteen scales, a byte each: the first eight in first.
            long low = src.get(BlockDecoder.LONG, block + DequantizeKQuants.Q3_K_SCALES);
            int high = src.get(BlockDecoder.INT, block + DequantizeKQuants.Q3_K_SCALES + 8);
            long first = (low & 0x0F0F0F0F0F0F0F0FL) | twoBits(high) | (twoBits(high >>> 2) << 32);
            long second = ((low >>> 4) & 0x0F0F0F0F0F0F0F0FL) | twoBits(high >>> 4) | (twoBits(high >>> 6) << 32);
            // Each byte of a run of 16 holds four weights, 32 apart.
            for (int run = 0; run < 4; run++) {
                int half = run >>> 1;
                int column = 16 * (run & 1);
                int to = out + 128 * half + column;
                long qs = block + DequantizeKQuants.Q3_K_QS + 32 * half + column;
                long hmask = block + column;
                long scales = (half == 0 ? first : second) >>> (8 * (run & 1));
                FloatVector scale0 = FloatVector.broadcast(F, d * ((int) (scales & 0x3F) - 32));
                FloatVector scale1 = FloatVector.broadcast(F, d * ((int) ((scales >>> 16) & 0x3F) - 32));
                FloatVector scale2 = FloatVector.broadcast(F, d * ((int) ((scales >>> 32) & 0x3F) - 32));
                FloatVector scale3 = FloatVector.broadcast(F, d * ((int) ((scales >>> 48) & 0x3F) - 32));

                for (int j = 0; j < 16; j += LANES) {
                    IntVector q = (IntVector) (LANES == 4
                                    ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, qs + j))
                                            .reinterpretAsBytes()
                                    : ByteVector.fromMemorySegment(B, src, qs + j, ByteOrder.LITTLE_ENDIAN))
                            .convertShape(ZERO_EXTEND_B2I, I, 0);
                    IntVector h = (IntVector) (LANES == 4
                                    ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, hmask + j))
                                            .reinterpretAsBytes()
                                    : ByteVector.fromMemorySegment(B, src, hmask + j, ByteOrder.LITTLE_ENDIAN))
                            .convertShape(ZERO_EXTEND_B2I, I, 0);
                    h = h.lanewise(LSHR, 4 * half);
                    ((FloatVector) q.and(3)
                                    .or(h.lanewise(LSHL, 2).and(4))
                                    .sub(4)
                                    .convertShape(I2F, F, 0))
                            .mul(scale0)
                            .intoArray(dst, to + j);
                    ((FloatVector) q.lanewise(LSHR, 2)
                                    .and(3)
                                    .or(h.lanewise(LSHL, 1).and(4))
                                    .sub(4)
                                    .convertShape(I2F, F, 0))
                            .mul(scale1)
                            .intoArray(dst, to + 32 + j);
                    ((FloatVector) q.lanewise(LSHR, 4)
                                    .and(3)
                                    .or(h.and(4))
                                    .sub(4)
                                    .convertShape(I2F, F, 0))
                            .mul(scale2)
                            .intoArray(dst, to + 64 + j);
                    ((FloatVector) q.lanewise(LSHR, 6)
                                    .or(h.lanewise(LSHR, 1).and(4))
                                    .sub(4)
                                    .convertShape(I2F, F, 0))
                            .mul(scale3)
                            .intoArray(dst, to + 96 + j);
                }
            }
        }
    }

    /** The two low bits of each byte, as the two high bits of six. */
    private static long twoBits(int bytes) {
        return (bytes & 0x03030303L) << 4;
    }

    static void q4K(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.Q4_K, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeKQuants.Q4_K_BYTES;
            int out = dstOffset + b * DequantizeKQuants.WEIGHTS;
            float d = f16(src, block);
            float dmin = f16(src, block + DequantizeKQuants.K_DMIN);
            long scales = DequantizeKQuants.scales(src, block + DequantizeKQuants.K_SCALES);
            long mins = DequantizeKQuants.mins(src, block + DequantizeKQuants.K_SCALES);
            for (int pair = 0; pair < 4; pair++) {
                long qs = block + DequantizeKQuants.Q4_K_QS + 32 * pair;
                int to = out + 64 * pair;
                FloatVector scale0 = FloatVector.broadcast(F, d * sixBits(scales, 2 * pair));
                FloatVector scale1 = FloatVector.broadcast(F, d * sixBits(scales, 2 * pair + 1));
                FloatVector min0 = FloatVector.broadcast(F, dmin * sixBits(mins, 2 * pair));
                FloatVector min1 = FloatVector.broadcast(F, dmin * sixBits(mins, 2 * pair + 1));

                for (int j = 0; j < 32; j += LANES) {
                    IntVector q = (IntVector) (LANES == 4
                                    ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, qs + j))
                                            .reinterpretAsBytes()
                                    : ByteVector.fromMemorySegment(B, src, qs + j, ByteOrder.LITTLE_ENDIAN))
                            .convertShape(ZERO_EXTEND_B2I, I, 0);
                    ((FloatVector) q.and(0x0F).convertShape(I2F, F, 0))
                            .mul(scale0)
                            .sub(min0)
                            .intoArray(dst, to + j);
                    ((FloatVector) q.lanewise(LSHR, 4).convertShape(I2F, F, 0))
                            .mul(scale1)
                            .sub(min1)
                            .intoArray(dst, to + 32 + j);
                }
            }
        }
    }

    static void q5K(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.Q5_K, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeKQuants.Q5_K_BYTES;
            int out = dstOffset + b * DequantizeKQuants.WEIGHTS;
            float d = f16(src, block);
            float dmin = f16(src, block + DequantizeKQuants.K_DMIN);
            long scales = DequantizeKQuants.scales(src, block + DequantizeKQuants.K_SCALES);
            long mins = DequantizeKQuants.mins(src, block + DequantizeKQuants.K_SCALES);
            long qh = block + DequantizeKQuants.Q5_K_QH;
            for (int pair = 0; pair < 4; pair++) {
                long qs = block + DequantizeKQuants.Q5_K_QS + 32 * pair;
                int to = out + 64 * pair;
                FloatVector scale0 = FloatVector.broadcast(F, d * sixBits(scales, 2 * pair));
                FloatVector scale1 = FloatVector.broadcast(F, d * sixBits(scales, 2 * pair + 1));
                FloatVector min0 = FloatVector.broadcast(F, dmin * sixBits(mins, 2 * pair));
                FloatVector min1 = FloatVector.broadcast(F, dmin * sixBits(mins, 2 * pair + 1));

                for (int j = 0; j < 32; j += LANES) {
                    IntVector q = (IntVector) (LANES == 4
                                    ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, qs + j))
                                            .reinterpretAsBytes()
                                    : ByteVector.fromMemorySegment(B, src, qs + j, ByteOrder.LITTLE_ENDIAN))
                            .convertShape(ZERO_EXTEND_B2I, I, 0);
                    IntVector h = (IntVector) (LANES == 4
                                    ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, qh + j))
                                            .reinterpretAsBytes()
                                    : ByteVector.fromMemorySegment(B, src, qh + j, ByteOrder.LITTLE_ENDIAN))
                            .convertShape(ZERO_EXTEND_B2I, I, 0);
                    // The pair's two bits, in bits 4 and 5.
                    h = h.lanewise(LSHL, 4).lanewise(LSHR, 2 * pair);
                    ((FloatVector) q.and(0x0F).or(h.and(0x10)).convertShape(I2F, F, 0))
                            .mul(scale0)
                            .sub(min0)
                            .intoArray(dst, to + j);
                    ((FloatVector) q.lanewise(LSHR, 4)
                                    .or(h.lanewise(LSHR, 1).and(0x10))
                                    .convertShape(I2F, F, 0))
                            .mul(scale1)
                            .sub(min1)
                            .intoArray(dst, to + 32 + j);
                }
            }
        }
    }

    static void q6K(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.Q6_K, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeKQuants.Q6_K_BYTES;
            int out = dstOffset + b * DequantizeKQuants.WEIGHTS;
            float d = f16(src, block + DequantizeKQuants.Q6_K_D);
            // A byte of qh and the two of ql that go with it hold four weights, 32 apart: a run is 16 such bytes.
            for (int run = 0; run < 4; run++) {
                int half = run >>> 1;
                int column = 16 * (run & 1);
                int to = out + 128 * half + column;
                long ql = block + 64 * half + column;
                long qh = block + DequantizeKQuants.Q6_K_QH + 32 * half + column;
                long scales = src.get(BlockDecoder.LONG, block + DequantizeKQuants.Q6_K_SCALES + 8 * half)
                        >>> (8 * (run & 1));
                FloatVector scale0 = FloatVector.broadcast(F, d * (byte) scales);
                FloatVector scale1 = FloatVector.broadcast(F, d * (byte) (scales >>> 16));
                FloatVector scale2 = FloatVector.broadcast(F, d * (byte) (scales >>> 32));
                FloatVector scale3 = FloatVector.broadcast(F, d * (byte) (scales >>> 48));

                for (int j = 0; j < 16; j += LANES) {
                    IntVector q0 = (IntVector) (LANES == 4
                                    ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, ql + j))
                                            .reinterpretAsBytes()
                                    : ByteVector.fromMemorySegment(B, src, ql + j, ByteOrder.LITTLE_ENDIAN))
                            .convertShape(ZERO_EXTEND_B2I, I, 0);
                    IntVector q1 = (IntVector) (LANES == 4
                                    ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, ql + 32 + j))
                                            .reinterpretAsBytes()
                                    : ByteVector.fromMemorySegment(B, src, ql + 32 + j, ByteOrder.LITTLE_ENDIAN))
                            .convertShape(ZERO_EXTEND_B2I, I, 0);
                    IntVector h = (IntVector) (LANES == 4
                                    ? IntVector.broadcast(PAIR, src.get(BlockDecoder.INT, qh + j))
                                            .reinterpretAsBytes()
                                    : ByteVector.fromMemorySegment(B, src, qh + j, ByteOrder.LITTLE_ENDIAN))
                            .convertShape(ZERO_EXTEND_B2I, I, 0);
                    ((FloatVector) q0.and(0x0F)
                                    .or(h.and(0x03).lanewise(LSHL, 4))
                                    .sub(32)
                                    .convertShape(I2F, F, 0))
                            .mul(scale0)
                            .intoArray(dst, to + j);
                    ((FloatVector) q1.and(0x0F)
                                    .or(h.and(0x0C).lanewise(LSHL, 2))
                                    .sub(32)
                                    .convertShape(I2F, F, 0))
                            .mul(scale1)
                            .intoArray(dst, to + 32 + j);
                    ((FloatVector) q0.lanewise(LSHR, 4).or(h.and(0x30)).sub(32).convertShape(I2F, F, 0))
                            .mul(scale2)
                            .intoArray(dst, to + 64 + j);
                    ((FloatVector) q1.lanewise(LSHR, 4)
                                    .or(h.lanewise(LSHR, 2).and(0x30))
                                    .sub(32)
                                    .convertShape(I2F, F, 0))
                            .mul(scale3)
                            .intoArray(dst, to + 96 + j);
                }
            }
        }
    }
}
