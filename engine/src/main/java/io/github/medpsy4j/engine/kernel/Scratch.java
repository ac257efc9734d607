package io.github.medpsy4j.engine.kernel;

/** One worker's memory, sized once: a tile of decoded weights and the partial sums of a tile of results. */
final class Scratch {
    /** Rows of a tile of weights when many tokens share it: 32 × 512 floats are 64 KiB, an eighth of a common L2. */
    static final int TILE_ROWS = 32;

    /** Columns of a tile: a multiple of every block size. Four tokens' worth (8 KiB) stay in L1 beside two rows. */
    static final int TILE_COLUMNS = 512;

    /** Tokens that share one decoded tile: decoding costs about a tenth of the multiplications then. */
    static final int TILE_TOKENS = 64;

    /** A block of {@link Quantizer#quantizeRows}. */
    final int[] quanta = new int[Activations.BLOCK];

    /** The same, each twice in an int. */
    final int[] quantaTwice = new int[Activations.BLOCK];

    /** The same as floats. */
    final float[] floatQuanta = new float[Activations.BLOCK];

    final float[] tile = new float[TILE_ROWS * TILE_COLUMNS];
    final float[] partials;

    private PanelMatrix.Workspace panels;

    /** What {@link PanelMatrix} works in; made when first wanted. */
    PanelMatrix.Workspace panels() {
        if (panels == null) {
            panels = new PanelMatrix.Workspace();
        }
        return panels;
    }

    Scratch(int lanes) {
        partials = new float[TILE_ROWS * TILE_TOKENS * lanes];
    }
}
