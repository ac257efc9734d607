package io.github.medpsy4j.cli;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.List;

/**
 * Ctrl-C and the like. The JDK offers no supported way to be told of them and live on; {@code sun.misc.Signal} of the module
 * {@code jdk.unsupported} is the one that it keeps for want of another. It is called by reflection because naming it is a
 * warning that cannot be switched off.
 */
final class Interrupts {
    /** The signals that ask a program to end: Ctrl-C's and that of {@code kill}. */
    static final List<String> ENDING = List.of("INT", "TERM");

    private Interrupts() {}

    /**
     * Stops this process as Ctrl-Z does, if nothing handles that signal; returns when it goes on. The JDK raises only
     * signals that are handled, so a shell sends it.
     */
    static void stop() {
        try {
            new ProcessBuilder(
                            "sh", "-c", "kill -TSTP " + ProcessHandle.current().pid())
                    .start()
                    .waitFor();
        } catch (IOException noShell) {
            return; // then it just goes on
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Runs the action, on a thread of its own, at each Ctrl-C from now on; false where Ctrl-C still ends the process. */
    static boolean handle(Runnable action) {
        return handle("INT", action);
    }

    /** The same for any signal, by its name without {@code SIG}. */
    static boolean handle(String name, Runnable action) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object onInterrupt = Proxy.newProxyInstance(
                    Interrupts.class.getClassLoader(), new Class<?>[] {handler}, (self, method, arguments) -> {
                        if (!method.getName().equals("handle")) {
                            return method.invoke(action, arguments); // Object's: hashCode, toString
                        }
                        action.run();
                        return null;
                    });
            Object interrupt = signal.getConstructor(String.class).newInstance(name);
            signal.getMethod("handle", signal, handler).invoke(null, interrupt, onInterrupt);
            return true;
        } catch (ReflectiveOperationException notHere) {
            return false;
        }
    }
}
