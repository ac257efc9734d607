package io.github.medpsy4j.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/** The unpacked grids against sizes and CRC-32 of those of the {@code gguf} Python package (a byte a magnitude). */
class GridsTest {
    @Test
    void carriesEveryPointOfEveryGrid() {
        assertGrid(256, 0x9924FF02, Grids.IQ2_XXS);
        assertGrid(512, 0xFA1E1BFD, Grids.IQ2_XS);
        assertGrid(1024, 0x25AE5BF1, Grids.IQ2_S);
        assertGrid(256, 0x07BA9ED0, Grids.IQ3_XXS);
        assertGrid(512, 0xF576E4F3, Grids.IQ3_S);
    }

    @Test
    void packsTheFirstMagnitudeIntoTheLowestByte() {
        assertEquals(0x08080808_0808082BL, Grids.IQ2_XXS[1]);
        assertEquals(0x04040414, Grids.IQ3_XXS[1]);
    }

    private static void assertGrid(int points, int crc, long[] grid) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * grid.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(grid);
        assertEquals(points, Arrays.stream(grid).distinct().count());
        assertEquals(crc, crc32(bytes));
    }

    private static void assertGrid(int points, int crc, int[] grid) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * grid.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(grid);
        assertEquals(points, Arrays.stream(grid).distinct().count());
        assertEquals(crc, crc32(bytes));
    }

    private static int crc32(ByteBuffer bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return (int) crc.getValue();
    }
}
