package io.github.medpsy4j.cli;

import java.lang.reflect.InvocationTargetException;

/**
 * Brings the incubating Vector API into the running JVM without {@code --add-modules jdk.incubator.vector}, which makes
 * the JVM open every run with a warning line of its own.
 *
 * <p>It calls the routine by which the JDK itself loads a system module late (an agent's {@code java.instrument}, the
 * management agent): the module goes to the boot loader as it would at start-up, and defining it there is also what
 * switches the compiler's vector intrinsics on. {@code --add-modules} gives the same speed, and start-up without the
 * flag is faster because the JDK's archived module graph stays usable. The jar's manifest opens the door with
 * {@code Add-Exports}; a JDK where the routine is missing makes {@link #load()} answer false, and the start script then
 * goes back to the flag and its warning.
 */
final class VectorModule {
    private static final String NAME = "jdk.incubator.vector";

    private VectorModule() {}

    /** Loads the module unless it is there already; true if its classes can be used afterwards. */
    static boolean load() {
        if (ModuleLayer.boot().findModule(NAME).isPresent()) {
            return true;
        }
        try {
            Class.forName("jdk.internal.module.Modules")
                    .getMethod("loadModule", String.class)
                    .invoke(null, NAME);
            return true;
        } catch (ClassNotFoundException | NoSuchMethodException | IllegalAccessException notHere) {
            return false;
        } catch (InvocationTargetException refused) {
            // FindException: a run-time image made without the module.
            return false;
        }
    }
}
