package io.github.medpsy4j.engine.kernel;

/** Which kernels this machine has, for tests outside their package. */
public final class KernelChoice {
    private KernelChoice() {}

    /** Whether weights of five and six bits meet activations that are not rounded. */
    public static boolean multipliesBitsInFloats() {
        return FloatPanels.suits(PanelFormat.Q6_K);
    }

    /** Whether weights of four bits and activations of nine bits and more are added up over 256 columns. */
    public static boolean sumsWholeNumbers() {
        return VectorPanels.FLOAT_TILES;
    }

    /** Whether weights of eight bits and those that are looked up meet activations that are not rounded. */
    public static boolean multipliesInFloats() {
        return FloatPanels.suits(PanelFormat.Q8_0);
    }
}
