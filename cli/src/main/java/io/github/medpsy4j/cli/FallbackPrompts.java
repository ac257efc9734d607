package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.remote.RemoteException;
import java.io.IOException;

/** Prompts that one machine answers while it is there, and then another. */
final class FallbackPrompts implements PromptAnswerer {
    /** Makes the second answerer, once it is needed. */
    interface Second {
        PromptAnswerer open(RemoteException because) throws IOException, Failure;
    }

    private final PromptAnswerer first;
    private final Second opener;
    private volatile boolean isGone;
    private volatile boolean isClosed;
    private volatile PromptAnswerer second; // null until it is needed
    private Failure failure; // why there is no second; null if it was not tried or is there

    FallbackPrompts(PromptAnswerer first, Second opener) {
        this.first = first;
        this.opener = opener;
    }

    @Override
    public Pending submit(PromptsFile.Line line, int index) throws Failure {
        if (isGone && second != null) {
            return second.submit(line, index);
        }
        Pending pending = first.submit(line, index);
        return to -> {
            RemoteException because;
            try {
                pending.await(to);
                return;
            } catch (RemoteException e) {
                if (!e.isGone() || isClosed) {
                    throw e;
                }
                because = e;
            }
            isGone |= because.kind() == RemoteException.Kind.GONE;
            second(because).submit(line, index).await(to);
        };
    }

    private synchronized PromptAnswerer second(RemoteException because) throws Failure {
        if (failure != null) {
            throw failure;
        }
        if (second == null) {
            try {
                second = opener.open(because);
            } catch (Failure | IOException e) {
                failure = new Failure(Failure.line(e), e);
                throw failure;
            }
        }
        return second;
    }

    @Override
    public Stats stats() {
        Stats one = first.stats();
        PromptAnswerer other = second;
        if (other == null) {
            return one;
        }
        Stats two = other.stats();
        return new Stats(
                one.running() + two.running(),
                one.generatedTokens() + two.generatedTokens(),
                one.promptTokens() + two.promptTokens(),
                one.reusedTokens() + two.reusedTokens());
    }

    @Override
    public void close() {
        isClosed = true;
        first.close();
        synchronized (this) {
            if (second != null) {
                second.close();
            }
        }
    }
}
