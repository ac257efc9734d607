package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.json.JsonCursor;
import io.github.medpsy4j.engine.json.JsonException;
import io.github.medpsy4j.engine.json.JsonReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Divides the text of an answer, as it streams, into words and calls of tools as Qwen's and Hermes' models write them:
 * {@code <tool_call>{"name": …, "arguments": {…}}</tool_call>}. A text that may yet become a mark waits, and white space
 * before a mark belongs to it. A call is reported once its name is known to be a tool's; what is no call stays text.
 */
final class ToolCallStream {
    private static final String OPEN = "<tool_call>";
    private static final String CLOSE = "</tool_call>";

    private enum Phase {
        /** Between calls. */
        TEXT,
        /** Within a call's JSON. */
        JSON,
        /** The JSON has ended, the closing mark is yet to come. */
        CLOSING,
        /** What stands behind the opening mark is no call. */
        BROKEN
    }

    private final Set<String> names;
    private final Consumer<String> text;
    private final Consumer<ToolCall.Delta> delta;
    private final List<ToolCall> calls = new ArrayList<>();
    private final StringBuilder said = new StringBuilder(); // text of the current piece
    private final StringBuilder waiting = new StringBuilder(); // white space and the beginning of a mark
    private final StringBuilder body = new StringBuilder(); // all since the opening mark
    private Phase phase = Phase.TEXT;
    private String fault = "";

    // Of the call that is being read.
    private JsonCursor cursor;
    private String id;
    private String name; // null while unknown
    private String member; // whose value is being read
    private int memberStart;
    private int valueStart;
    private int argumentsStart; // -1 before them
    private int argumentsEnd; // -1 before it
    private int reported; // characters of the arguments

    /** @param names of the tools */
    ToolCallStream(Set<String> names, Consumer<String> text, Consumer<ToolCall.Delta> delta) {
        this.names = names;
        this.text = text;
        this.delta = delta;
    }

    void accept(String piece) {
        for (int i = 0; i < piece.length(); i++) {
            char c = piece.charAt(i);
            if (phase == Phase.TEXT) {
                outside(c);
            } else {
                inside(c);
            }
        }
        report();
        say();
    }

    /** Hands out what still waits. */
    void end() {
        switch (phase) {
            case TEXT -> {
                if (calls.isEmpty() || !waiting.toString().isBlank()) {
                    said.append(waiting);
                }
            }
            case CLOSING -> complete();
            case JSON -> {
                if (name == null) {
                    broken("it was cut off");
                    said.append(body);
                } else {
                    faulty("call " + calls.size() + " of tool " + name + " was cut off");
                    calls.add(call());
                }
            }
            case BROKEN -> said.append(body);
        }
        say();
    }

    /** The calls so far; the last one may be cut off, see {@link #fault}. */
    List<ToolCall> calls() {
        return List.copyOf(calls);
    }

    /** What is wrong with the first call that is none; empty if nothing is. */
    String fault() {
        return fault;
    }

    private void say() {
        if (!said.isEmpty()) {
            text.accept(said.toString());
            said.setLength(0);
        }
    }

    private void outside(char c) {
        waiting.append(c);
        while (!waiting.isEmpty()) {
            int spaces = 0;
            while (spaces < waiting.length() && Character.isWhitespace(waiting.charAt(spaces))) {
                spaces++;
            }
            String rest = waiting.substring(spaces);
            if (rest.equals(OPEN)) {
                waiting.setLength(0);
                open();
                return;
            }
            if (OPEN.startsWith(rest)) {
                return;
            }
            said.append(waiting.charAt(0));
            waiting.deleteCharAt(0);
        }
    }

    private void open() {
        say();
        phase = Phase.JSON;
        body.setLength(0);
        cursor = new JsonCursor();
        id = "call_" + UUID.randomUUID().toString().replace("-", "");
        name = null;
        member = "";
        valueStart = -1;
        argumentsStart = -1;
        argumentsEnd = -1;
        reported = 0;
    }

    private void inside(char c) {
        body.append(c);
        switch (phase) {
            case JSON -> json(c);
            case CLOSING -> {
                if (endsWithClose()) {
                    complete();
                }
            }
            default -> {
                if (endsWithClose()) {
                    body.setLength(body.length() - CLOSE.length());
                    said.append(body.toString().strip());
                    phase = Phase.TEXT;
                }
            }
        }
    }

    private boolean endsWithClose() {
        return body.length() >= CLOSE.length() && body.indexOf(CLOSE, body.length() - CLOSE.length()) >= 0;
    }

    private void json(char c) {
        JsonCursor.State before = cursor.state();
        int depthBefore = cursor.depth();
        boolean isSpace = Character.isWhitespace(c);
        if (depthBefore == 0 && !isSpace && c != '{') {
            broken("it is no JSON object");
            return;
        }
        if (!cursor.accept(c)) {
            broken("it is not JSON");
            return;
        }
        int at = body.length() - 1;
        if (depthBefore == 1) {
            switch (before) {
                case FIRST_NAME, NAME -> memberStart = c == '"' ? at : memberStart;
                case STRING -> {
                    if (cursor.state() == JsonCursor.State.COLON) {
                        member = unquoted(memberStart, at + 1);
                    }
                }
                case VALUE -> {
                    if (!isSpace) {
                        begins(c, at);
                    }
                }
                default -> {}
            }
        }
        boolean isAtTop = cursor.depth() == 1 && cursor.state() == JsonCursor.State.NEXT;
        if (phase == Phase.JSON && isAtTop && valueStart >= 0) {
            ends(at + 1);
        }
        if (phase == Phase.JSON && cursor.state() == JsonCursor.State.END) {
            if (name == null) {
                broken("it has no name");
            } else {
                report();
                phase = Phase.CLOSING;
            }
        }
    }

    /** A member's value begins. */
    private void begins(char c, int at) {
        valueStart = at;
        switch (member) {
            case "name" -> {
                if (c != '"' || name != null) {
                    broken("its name is no text, or there twice");
                }
            }
            case "arguments" -> {
                if (c != '{' || argumentsStart >= 0) {
                    broken("its arguments are no JSON object, or there twice");
                } else {
                    argumentsStart = at;
                }
            }
            default -> {}
        }
    }

    /** A member's value has ended. */
    private void ends(int end) {
        if (member.equals("arguments")) {
            argumentsEnd = end;
        } else if (member.equals("name")) {
            String called = unquoted(valueStart, end);
            if (names.contains(called)) {
                name = called;
                delta.accept(new ToolCall.Delta(calls.size(), id, name, ""));
            } else {
                broken("there is no tool " + called);
            }
        }
        member = "";
        valueStart = -1;
    }

    private String unquoted(int from, int to) {
        try {
            return (String) JsonReader.read(body.substring(from, to));
        } catch (JsonException e) {
            throw new IllegalStateException(e); // the cursor has followed it
        }
    }

    /** Hands on what of the arguments has come. */
    private void report() {
        if (phase != Phase.JSON || name == null) {
            return;
        }
        String arguments = arguments();
        if (arguments.length() > reported) {
            delta.accept(new ToolCall.Delta(calls.size(), id, name, arguments.substring(reported)));
            reported = arguments.length();
        }
    }

    private String arguments() {
        if (argumentsStart < 0) {
            return cursor.state() == JsonCursor.State.END ? "{}" : "";
        }
        return body.substring(argumentsStart, argumentsEnd < 0 ? body.length() : argumentsEnd);
    }

    private ToolCall call() {
        return new ToolCall(id, name, arguments());
    }

    /** The call has come; what stands between it and its closing mark is text. */
    private void complete() {
        calls.add(call());
        String behind = body.substring(jsonEnd());
        String rest = behind.endsWith(CLOSE) ? behind.substring(0, behind.length() - CLOSE.length()) : behind;
        if (!rest.isBlank() && !CLOSE.startsWith(rest.strip())) {
            said.append(rest.strip());
        }
        phase = Phase.TEXT;
    }

    private int jsonEnd() {
        JsonCursor again = new JsonCursor();
        int at = 0;
        while (again.state() != JsonCursor.State.END) {
            again.accept(body.charAt(at++));
        }
        return at;
    }

    /** What stands in the body is no call, or no more: a call whose name has been reported stays with what it has. */
    private void broken(String what) {
        if (name == null) {
            faulty("a call is malformed: " + what + "; its text stands in the answer");
        } else {
            faulty("call " + calls.size() + " of tool " + name + " is malformed: " + what);
            int last = body.length() - 1;
            if (argumentsStart >= 0 && argumentsEnd < 0) {
                argumentsEnd = last;
            }
            report();
            calls.add(call());
            body.delete(0, last);
        }
        phase = Phase.BROKEN;
    }

    private void faulty(String what) {
        if (fault.isEmpty()) {
            fault = what;
        }
    }
}
