package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.template.ChatTemplate;
import io.github.medpsy4j.engine.template.Origin;
import io.github.medpsy4j.engine.template.RenderedPrompt;
import io.github.medpsy4j.engine.template.TemplateException;
import io.github.medpsy4j.tokenizer.Tokenizer;
import io.github.medpsy4j.tokenizer.TrustedSpans;
import io.github.medpsy4j.tokenizer.Vocabulary;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** A conversation rendered by the model's own template and turned into tokens. */
public final class Prompt {
    private final RenderedPrompt rendered;
    private final int[] tokens;
    private final Transcript.Cut takenOver;

    /** @param takenOver how far the tokens are those of a transcript */
    Prompt(RenderedPrompt rendered, int[] tokens, Transcript.Cut takenOver) {
        this.rendered = rendered;
        this.tokens = tokens;
        this.takenOver = takenOver;
    }

    /**
     * Renders messages with the model's template, ready for the assistant's answer.
     *
     * <p>Special tokens are recognised in what the template itself and the model wrote, never in the content of user and
     * system messages: a note that contains {@code <|im_end|>} stays a note. No BOS is added: the template writes its
     * own, and where a template writes none although the file asks for one, it is put in front.
     *
     * @throws ModelException if the model has no template
     */
    public static Prompt of(Model model, List<ChatMessage> messages, ChatOptions.Think think) throws ModelException {
        return of(model, messages, think, Tools.none());
    }

    /**
     * The same with tools that the model is told of.
     *
     * @throws ModelException if the model has no template, or one that knows no tools
     */
    public static Prompt of(Model model, List<ChatMessage> messages, ChatOptions.Think think, Tools tools)
            throws ModelException {
        RenderedPrompt rendered = render(model, messages, think, tools, true);
        return new Prompt(rendered, tokenize(model.tokenizer(), rendered, 0), Transcript.Cut.NONE);
    }

    /** Renders messages; {@code opensAnswer} asks for the template's beginning of an answer after them. */
    static RenderedPrompt render(
            Model model, List<ChatMessage> messages, ChatOptions.Think think, Tools tools, boolean opensAnswer)
            throws ModelException {
        if (tools.areOffered()) {
            model.checkTools();
        }
        ChatTemplate template = model.chatTemplate()
                .orElseThrow(() -> new ModelException(
                        model.file().path() + ": the file carries no chat template; use a raw prompt instead"));
        Tokenizer tokenizer = model.tokenizer();
        Map<String, Object> variables = new LinkedHashMap<>();
        variables.put("messages", messages.stream().map(ChatMessage::variables).toList());
        variables.put("add_generation_prompt", opensAnswer);
        variables.put("bos_token", text(tokenizer, tokenizer.vocabulary().bos()));
        variables.put("eos_token", text(tokenizer, tokenizer.vocabulary().eos()));
        if (tools.areOffered()) {
            variables.put("tools", tools.list().stream().map(Tool::variables).toList());
        }
        switch (think) {
            case ON -> variables.put("enable_thinking", true);
            case OFF -> variables.put("enable_thinking", false);
            case AUTO -> {}
        }
        return template.render(variables);
    }

    /**
     * Why the template cannot be used with tools; empty if it can: one that tells the model of them, and to call them as
     * {@link ToolCallStream} reads it.
     */
    static String toolsFault(ChatTemplate template) {
        Tool probe = new Tool("probe_of_tools", "", "");
        Map<String, Object> variables = new LinkedHashMap<>();
        variables.put("messages", List.of(ChatMessage.user("x").variables()));
        variables.put("tools", List.of(probe.variables()));
        variables.put("add_generation_prompt", true);
        variables.put("bos_token", "");
        variables.put("eos_token", "");
        String text;
        try {
            text = template.render(variables).text();
        } catch (TemplateException e) {
            return "does not take tools: " + e.getMessage();
        }
        if (!text.contains(probe.name())) {
            return "knows no tools";
        }
        boolean isRead = text.contains("<tool_call>") && text.contains("\"name\"") && text.contains("\"arguments\"");
        return isRead ? "" : "has the model call tools in a form that is not read; expected <tool_call>{…}</tool_call>";
    }

    private static String text(Tokenizer tokenizer, OptionalInt id) {
        return id.isPresent() ? tokenizer.vocabulary().tokens().get(id.getAsInt()) : "";
    }

    /** The tokens of the text from character {@code from} on. */
    static int[] tokenize(Tokenizer tokenizer, RenderedPrompt rendered, int from) {
        TrustedSpans.Builder trusted = TrustedSpans.builder();
        for (RenderedPrompt.Span span : rendered.spans()) {
            if (span.origin() != Origin.CONTENT && span.end() > from) {
                trusted.add(Math.max(span.start(), from) - from, span.end() - from);
            }
        }
        int[] ids = tokenizer.encode(rendered.text().substring(from), trusted.build());
        Vocabulary vocabulary = tokenizer.vocabulary();
        if (from == 0 && vocabulary.addBos() && vocabulary.bos().isPresent()) {
            int bos = vocabulary.bos().getAsInt();
            if (ids.length == 0 || ids[0] != bos) {
                int[] withBos = new int[ids.length + 1];
                withBos[0] = bos;
                System.arraycopy(ids, 0, withBos, 1, ids.length);
                return withBos;
            }
        }
        return ids;
    }

    /** The rendered text and where each part of it came from. */
    public RenderedPrompt rendered() {
        return rendered;
    }

    /** The token ids. */
    public int[] tokens() {
        return tokens.clone();
    }

    int length() {
        return tokens.length;
    }

    Transcript.Cut takenOver() {
        return takenOver;
    }

    /** Whether the text ends inside an opened {@code <think>}, so that the model begins by thinking. */
    public boolean opensThinking() {
        // A user's message that ends so, behind a template that adds nothing, opens nothing.
        return rendered.text().stripTrailing().endsWith(Thinking.OPEN)
                && rendered.spans().getLast().origin() != Origin.CONTENT;
    }
}
