package io.github.medpsy4j.server;

import static io.github.medpsy4j.server.Browser.quoted;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page in a Chromium, with the tiny model behind it or with answers made up; pictures go to target/pictures. */
class BrowserTest {
    private static final Path PICTURES = Path.of("target", "pictures").toAbsolutePath();

    /** The page is at rest: nothing is generated. */
    private static final String AT_REST = "document.querySelector('#stop').hidden";

    private static TestServer host;
    private static Browser browser;

    @TempDir
    static Path folder;

    @TempDir
    Path downloads;

    @BeforeAll
    static void start() throws Exception {
        Path program = Browser.program().orElse(null);
        if (program == null) {
            abort("no Chromium is here (MEDPSY_CHROMIUM, or on the path)");
        }
        host = TestServer.start();
        browser = new Browser(program, folder);
    }

    @AfterAll
    static void close() {
        if (host != null) {
            browser.close();
            host.close();
        }
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = ClassLoader.getSystemResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @BeforeEach
    void open() throws IOException {
        browser.fresh(resource("web/fakes.js"), downloads);
        browser.open(host.url("/"));
        browser.await("document.querySelector('#model-name').textContent === 'tiny'");
    }

    @AfterEach
    void nothingWasRefusedOrThrown() {
        assertEquals(List.of(), browser.complaints());
    }

    private static void ask(String question) {
        browser.run("document.querySelector('#question').focus()");
        browser.type(question);
        browser.press("Enter");
    }

    /** Asks what is answered by the model in few tokens. */
    private static void askShortly(String question) {
        browser.run("window.extra = {max_tokens: 6}");
        ask(question);
        browser.await(
                "document.querySelector('.message.assistant:last-child .figures')?.textContent.includes('token')");
        browser.await(AT_REST);
    }

    /** The next answer, in chunks: JSON objects in JavaScript's notation. */
    private static void fake(String... chunks) {
        browser.run("window.fakes.push({chunks: [" + String.join(",", chunks) + "]})");
    }

    private static String content(String text) {
        return "{content: " + quoted(text) + "}";
    }

    private static String lastAnswer() {
        return browser.text(".message.assistant:last-child .markdown:not(.thinking *)");
    }

    private static void switchTo(boolean isDark) {
        browser.prefer(isDark ? "dark" : "light");
    }

    // ---- With the server ----

    @Test
    void aQuestionIsAnsweredAsItComesAndKept() {
        askShortly("Hello there");
        assertEquals("Hello there", browser.text(".message.user .bubble"));
        assertTrue(
                browser.text(".figures").matches("[\\d.]+ tokens/s · 6 tokens · first after [\\d.]+ s"),
                browser.text(".figures"));
        assertTrue(browser.text(".note").startsWith("Cut off at a limit"), browser.text(".note"));
        assertEquals("Hello there", browser.text("#title"));
        assertTrue(browser.text("#context").matches("\\d+ of 4,096 tokens"), browser.text("#context"));
        assertTrue(browser.is("document.activeElement.id === 'question'"));
        assertEquals(true, browser.run("window.sent[0].stream"));
        String said = lastAnswer();
        browser.reload();
        browser.await("document.querySelectorAll('.message').length === 2");
        assertEquals(said, lastAnswer());
        assertEquals("Hello there", browser.text(".pick"));
    }

    @Test
    void escapeStopsAnAnswerAndFreesItsPlace() throws Exception {
        browser.run("window.extra = {logit_bias: " + TestServer.json(TestServer.NO_END) + "}");
        ask("Hello");
        browser.await("document.querySelector('.figures').textContent.includes('tokens')");
        assertTrue(browser.is("document.querySelector('#send').hidden"));
        browser.press("Escape");
        browser.await(AT_REST);
        assertTrue(browser.text(".note").startsWith("Stopped."), browser.text(".note"));
        assertFalse(lastAnswer().isEmpty());
        TestServer.await("the slot to be free", () -> host.metric("slots_busy") == 0);
        browser.run("window.extra = {max_tokens: 2}");
        browser.click(".message.assistant [aria-label='Answer again']");
        browser.await("document.querySelector('.versions')?.textContent === '2/2'");
        browser.await(AT_REST);
    }

    @Test
    void answersAndQuestionsHaveVersions() {
        askShortly("First question");
        String first = lastAnswer();
        fake(content("another answer"));
        browser.click(".message.assistant [aria-label='Answer again']");
        browser.await("document.querySelector('.message.assistant .versions')?.textContent === '2/2'");
        browser.await(AT_REST);
        assertEquals("another answer", lastAnswer());
        browser.click(".message.assistant [aria-label='Earlier version']");
        browser.await("document.querySelector('.message.assistant .versions').textContent === '1/2'");
        assertEquals(first, lastAnswer());

        fake(content("to the edited one"));
        browser.click(".message.user [aria-label='Edit']");
        browser.type(", edited");
        browser.press("Enter");
        browser.await("document.querySelector('.message.user .versions')?.textContent === '2/2'");
        browser.await(AT_REST);
        assertEquals("First question, edited", browser.text(".message.user .bubble"));
        assertEquals("to the edited one", lastAnswer());
        assertEquals(
                List.of(Map.of("role", "user", "content", "First question, edited")),
                browser.run("window.sent.at(-1).messages"));
        browser.click(".message.user [aria-label='Earlier version']");
        browser.await("document.querySelector('.message.user .bubble').textContent === 'First question'");
        assertEquals(first, lastAnswer());
    }

    @Test
    void whatIsSentIsTheConversation() {
        fake("{reasoning_content: 'hm'}", content("One."));
        ask("First");
        browser.await(AT_REST + " && document.querySelectorAll('.message').length === 2");
        fake(content("Two."));
        ask("Second");
        browser.await(AT_REST + " && document.querySelectorAll('.message').length === 4");
        assertEquals(
                List.of(
                        Map.of("role", "user", "content", "First"),
                        Map.of("role", "assistant", "content", "One."),
                        Map.of("role", "user", "content", "Second")),
                browser.run("window.sent.at(-1).messages"));
        assertEquals(
                List.of("messages", "stream", "stream_options"), browser.run("Object.keys(window.sent.at(-1)).sort()"));
    }

    @Test
    void settingsAreSentAndKept() {
        browser.click("#settings-open");
        Map<String, String> values = Map.of(
                "system",
                "Be brief.",
                "temperature",
                "0.5",
                "topP",
                "0.9",
                "topK",
                "40",
                "maxTokens",
                "7",
                "seed",
                "5");
        values.forEach((id, value) -> {
            browser.click("#" + id);
            browser.type(value);
        });
        browser.run("(() => { const think = document.querySelector('#think'); think.value = 'off';"
                + " think.dispatchEvent(new Event('input', {bubbles: true})); })()");
        browser.press("Escape");
        browser.reload();
        browser.await("document.querySelector('#model-name').textContent === 'tiny'");
        ask("Hello");
        browser.await("document.querySelector('.figures')?.textContent.includes('token')");
        browser.await(AT_REST);
        Map<?, ?> sent = (Map<?, ?>) browser.run("window.sent[0]");
        assertEquals(Map.of("role", "system", "content", "Be brief."), TestServer.at(sent, "messages", 0));
        assertEquals(0.5, sent.get("temperature"));
        assertEquals(0.9, sent.get("top_p"));
        assertEquals(40, sent.get("top_k"));
        assertEquals(7, sent.get("max_completion_tokens"));
        assertEquals(5, sent.get("seed"));
        assertEquals(false, sent.get("enable_thinking"));
    }

    @Test
    void aServerWithKeysIsGivenOne() {
        try (TestServer locked =
                TestServer.start(ServerOptions.builder().apiKeys(List.of("secret")), TestServer.sharing())) {
            browser.open(locked.url("/"));
            browser.await("document.querySelector('#key-dialog').open");
            browser.type("wrong");
            browser.press("Enter");
            browser.await("document.querySelector('#key-why').textContent.includes('does not know')"
                    + " && document.querySelector('#key-dialog').open");
            browser.run("document.querySelector('#key').select()");
            browser.type("secret");
            browser.press("Enter");
            browser.await("document.querySelector('#model-name').textContent === 'tiny'");
            askShortly("Hello");
            assertFalse(lastAnswer().isEmpty());
            assertEquals(null, browser.run("localStorage.getItem('medpsy.key')"));
        }
    }

    @Test
    void aServerThatLoadsItsModelIsWaitedFor() throws Exception {
        try (TestServer empty = TestServer.startEmpty(ServerOptions.builder(), TestServer.modelFile())) {
            browser.open(empty.url("/"));
            browser.await("document.querySelector('#banner').textContent === 'The model is being loaded…'");
            browser.run("window.extra = {max_tokens: 4}");
            ask("Hello");
            browser.await("document.querySelector('.note')?.textContent.includes('still being loaded')");
            browser.picture(PICTURES, "loading");
            empty.serve(TestServer.sharing());
            browser.await("document.querySelector('.figures').textContent.includes('token')");
            browser.await("document.querySelector('#banner').hidden");
        }
    }

    @Test
    void aServerThatIsGoneIsMissed() {
        TestServer other = TestServer.start();
        browser.open(other.url("/"));
        browser.await("document.querySelector('#model-name').textContent === 'tiny'");
        other.close();
        ask("Hello");
        browser.await("document.querySelector('.note.bad')?.textContent.includes('does not answer')");
        browser.await("document.querySelector('#banner').textContent.includes('does not answer')");
        fake(content("Here again"));
        browser.click(".note button");
        browser.await(AT_REST + " && document.querySelector('.note').hidden");
        assertEquals("Here again", lastAnswer());
        assertEquals(0, browser.count(".versions"), "an answer that never came is no version");
    }

    // ---- Errors ----

    @Test
    void aBusyServerIsAskedAgain() {
        browser.run(
                "window.fakes.push({status: 429, headers: {'Retry-After': '1'}, body: {error: {message: 'full'}}})");
        fake(content("Now."));
        ask("Hello");
        browser.await("document.querySelector('.note')?.textContent.includes('busy; asking again in 1 s')");
        browser.await(AT_REST);
        assertEquals("Now.", lastAnswer());
        assertEquals("", browser.text(".note"));
    }

    @Test
    void aRefusalIsShown() {
        browser.run("window.fakes.push({status: 400, body: {error: {message: 'messages: too long'}}})");
        ask("Hello");
        browser.await("document.querySelector('.note.bad')?.textContent.includes('messages: too long')");
    }

    @Test
    void whatCameBeforeTheConnectionBrokeIsKept() throws Exception {
        browser.run("window.fakes.push({chunks: [{content: 'Half an ans'}], isOpen: true})");
        ask("Hello");
        browser.await("document.querySelector('.message.assistant')?.textContent.includes('Half an ans')");
        browser.run("window.breakOff()");
        browser.await("document.querySelector('.note.bad')?.textContent.includes('broke off')");
        assertEquals("Half an ans", lastAnswer());
        browser.picture(PICTURES, "broken-off");
    }

    // ---- What is drawn ----

    @Test
    void markdownIsDrawn() throws Exception {
        String answer = resource("web/answer.md");
        List<String> chunks =
                new ArrayList<>(List.of("{reasoning_content: 'Ferritin stores iron. Low means little.'}"));
        for (int i = 0; i < answer.length(); i += 7) {
            chunks.add(content(answer.substring(i, Math.min(answer.length(), i + 7))));
        }
        fake(chunks.toArray(String[]::new));
        ask("What does a low ferritin value mean?");
        browser.await(AT_REST + " && document.querySelectorAll('.message').length === 2");
        assertEquals("What may lie behind it", browser.text(".markdown h2"));
        assertEquals(3, browser.count(".markdown > ol > li"));
        assertEquals(2, browser.count(".markdown > ol > li > ul > li"));
        assertEquals(3, browser.count(".markdown tbody tr"));
        assertEquals(3, browser.count(".markdown td.align-right"));
        assertEquals("python", browser.text(".code-head span"));
        assertTrue(browser.text(".code pre").contains("    return 100 * iron / tibc"));
        assertEquals(2, browser.count(".markdown li.task input[disabled]"));
        assertEquals(2, browser.count(".markdown a[rel='noopener noreferrer nofollow'][target='_blank']"));
        browser.run("navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve(); }");
        browser.click(".code-head button");
        browser.await("document.querySelector('.code-head button').textContent === 'Copied'");
        assertTrue(((String) browser.run("window.copied")).startsWith("def saturation"));
        browser.run("document.querySelector('#log-scroll').scrollTop = 0");
        for (boolean isDark : new boolean[] {false, true}) {
            switchTo(isDark);
            browser.picture(PICTURES, "answer-" + (isDark ? "dark" : "light"));
        }
        browser.window(390, 844, true);
        browser.picture(PICTURES, "answer-phone");
        assertTrue(browser.is("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than a phone");
    }

    @Test
    void hostileTextStaysText() {
        String hostile = """
                <img src=x onerror="window.hacked=1"><script>window.hacked=1</script>

                [a](javascript:window.hacked=1) [b](data:text/html,x) ![c](https://example.com/x.png)

                <a href="javascript:window.hacked=1">e</a> <https://example.com/"onmouseover="x> [d](https://example.com/)

                ```html
                <b onclick=x>
                ```
                | <svg onload=x> |
                |---|
                | <iframe src=//example.com> |
                """;
        fake("{reasoning_content: '<img src=x onerror=window.hacked=1>'}", content(hostile));
        ask("<b>bold</b>");
        browser.await(AT_REST + " && document.querySelectorAll('.message').length === 2");
        browser.click(".thinking summary");
        browser.await("document.querySelector('.thinking').open");
        assertEquals("<b>bold</b>", browser.text(".bubble"));
        assertEquals(0, browser.count("#log img, #log script, #log iframe, #log b, #log svg:not(.icon)"));
        assertTrue(lastAnswer().contains("<script>window.hacked=1</script>"));
        assertEquals(true, browser.run("[...document.querySelectorAll('#log a')].every(a => a.protocol === 'https:')"));
        assertEquals(2, browser.count(".inert"));
        assertFalse(browser.is("window.hacked"));
        assertEquals(
                true,
                browser.run(
                        "performance.getEntriesByType('resource').every(each => each.name.startsWith(location.origin))"));
    }

    @Test
    void noScriptCanMakeHtmlOfText() {
        assertTrue(browser.is("(() => { try { document.createElement('div').innerHTML = '<b>'; return false; }"
                + " catch (e) { return e instanceof TypeError; } })()"));
        assertEquals(1, browser.complaints().size());
    }

    @Test
    void thinkingIsFolded() throws Exception {
        browser.run(
                "window.fakes.push({chunks: [{reasoning_content: 'Let me '}, {reasoning_content: '**see**.'}], isOpen: true})");
        ask("Hello");
        browser.await("document.querySelector('.thinking summary')?.textContent === 'Thinking…'");
        assertFalse(browser.is("document.querySelector('.thinking').open"));
        browser.click(".thinking summary");
        browser.await("document.querySelector('.thinking strong')?.textContent === 'see'");
        browser.picture(PICTURES, "thinking");
        browser.run("window.say({content: 'Yes.'}), window.end()");
        browser.await(AT_REST);
        assertTrue(browser.text(".thinking summary").startsWith("Thought"), browser.text(".thinking summary"));
        assertTrue(browser.is("document.querySelector('.thinking').open"), "what was opened stays open");
        assertEquals("Yes.", lastAnswer());
    }

    @Test
    void whatWasDrawnStaysWhileTheAnswerGrows() {
        browser.run("window.fakes.push({chunks: [{content: 'First.\\n\\nSec'}], isOpen: true})");
        ask("Hello");
        browser.await("document.querySelectorAll('.markdown:not(.thinking *) p').length === 2");
        browser.run("window.first = document.querySelector('.markdown:not(.thinking *) p')");
        browser.run("window.say({content: 'ond.\\n\\nThird.'}), window.end()");
        browser.await(AT_REST);
        assertEquals(true, browser.run("window.first === document.querySelector('.markdown:not(.thinking *) p')"));
        assertEquals("First.\n\nSecond.\n\nThird.", lastAnswer());
    }

    // ---- Conversations ----

    @Test
    void conversationsAreRenamedAndDeleted() {
        fake(content("a"));
        ask("One");
        browser.await(AT_REST + " && document.querySelectorAll('.message').length === 2");
        browser.press("Control+Shift+O");
        browser.await("!document.querySelector('#welcome').hidden");
        fake(content("b"));
        ask("Two");
        browser.await(AT_REST + " && document.querySelectorAll('#conversations li').length === 2");
        browser.click("#conversations li[data-current] [aria-label^='Rename']");
        browser.type("Renamed");
        browser.press("Enter");
        browser.await("document.querySelector('#title').textContent === 'Renamed'");
        assertTrue(browser.is("document.activeElement.closest('li')?.textContent.includes('Renamed')"));
        browser.click("#conversations li[data-current] [aria-label^='Delete']");
        browser.await("document.querySelector('#confirm').open");
        browser.press("Escape");
        browser.await("!document.querySelector('#confirm').open");
        assertEquals(2, browser.count("#conversations li"));
        browser.click("#conversations li[data-current] [aria-label^='Delete']");
        browser.click("#confirm .danger");
        browser.await("document.querySelectorAll('#conversations li').length === 1");
        assertFalse(browser.is("document.querySelector('#welcome').hidden"));
        browser.reload();
        browser.await("document.querySelectorAll('#conversations li').length === 1");
        assertEquals("One", browser.text(".pick"));
    }

    @Test
    void conversationsAreExportedAndImported() throws Exception {
        fake(content("An answer to keep"));
        ask("Keep this");
        browser.await(AT_REST + " && document.querySelectorAll('.message').length === 2");
        browser.click("#export");
        Path file = downloads.resolve("medpsy-conversations.json");
        TestServer.await("the download", () -> Files.exists(file) && !hasPart(downloads));
        browser.fresh(resource("web/fakes.js"), downloads);
        browser.open(host.url("/"));
        browser.await("document.querySelector('#model-name').textContent === 'tiny'");
        assertEquals(0, browser.count("#conversations li"));
        browser.choose("#import-file", file);
        browser.await("document.querySelectorAll('.message').length === 2");
        assertEquals("An answer to keep", lastAnswer());
        Path damaged = Files.writeString(
                downloads.resolve("damaged.json"),
                Files.readString(file).replace("\"parent\": \"1\"", "\"parent\": \"9\""));
        browser.choose("#import-file", damaged);
        browser.await(
                "document.querySelector('#banner').textContent === 'Nothing was imported. Conversation 1 of the file is damaged.'");
        assertEquals(1, browser.count("#conversations li"));
    }

    private static boolean hasPart(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.anyMatch(each -> each.toString().endsWith(".crdownload"));
        } catch (IOException e) {
            return true;
        }
    }

    // ---- Hands and eyes ----

    @Test
    void theKeyboardIsEnough() {
        for (int i = 0; i < 3 && !browser.is("document.activeElement.matches('.skip')"); i++) {
            browser.press("Tab"); // past the end, the browser's own and round to the first
        }
        assertEquals("Skip to the question", browser.run("document.activeElement.textContent"));
        browser.press("Enter");
        browser.await("document.activeElement.id === 'question'");
        browser.type("a line");
        browser.press("Shift+Enter");
        browser.type("another");
        assertEquals("a line\nanother", browser.run("document.querySelector('#question').value"));
        assertEquals(0, browser.count(".message"));
        fake(content("Yes."));
        browser.press("Enter");
        browser.await(AT_REST + " && document.querySelectorAll('.message').length === 2");
        assertEquals("a line\nanother", browser.text(".bubble"));
        browser.press("ArrowUp");
        browser.await("document.activeElement.closest('.edit')");
        browser.press("Escape");
        browser.await("!document.querySelector('.edit')");
        assertEquals("Edit", browser.run("document.activeElement.getAttribute('aria-label')"));
        // From the first to the last, nothing is skipped and nothing holds the focus.
        browser.run("document.activeElement.blur(), document.querySelector('.skip').focus()");
        List<Object> order = new ArrayList<>();
        for (int i = 0; i < 40 && !order.contains("question"); i++) {
            browser.press("Tab");
            order.add(browser.run("document.activeElement.id || document.activeElement.getAttribute('aria-label')"
                    + " || document.activeElement.textContent"));
        }
        for (String expected :
                List.of("new", "export", "theme-switch", "settings-open", "Copy", "Answer again", "question")) {
            assertTrue(order.contains(expected), expected + " in " + order);
        }
        assertTrue(order.indexOf("new") < order.indexOf("settings-open"), order.toString());
    }

    @Test
    void whatIsNotSentYetSurvivesAReload() {
        browser.type("half a quest");
        browser.reload();
        browser.await("document.querySelector('#question').value === 'half a quest'");
    }

    @Test
    void itIsDarkOrLightAsTheSystemOrAsChosen() {
        String colour = "getComputedStyle(document.body).backgroundColor";
        switchTo(false);
        Object light = browser.run(colour);
        switchTo(true);
        Object dark = browser.run(colour);
        assertNotEquals(light, dark);
        browser.click("#theme-switch");
        assertEquals(light, browser.run(colour));
        browser.reload();
        assertEquals(light, browser.run(colour));
    }

    @Test
    void aPhoneHasADrawer() throws Exception {
        fake(content("Yes."));
        ask("A conversation with a title that is much longer than the drawer of a phone is wide, by far");
        browser.await(AT_REST + " && document.querySelectorAll('.message').length === 2");
        browser.window(360, 740, true);
        assertTrue(browser.is("document.documentElement.scrollWidth <= innerWidth"));
        assertFalse(browser.is("document.querySelector('#new').checkVisibility({visibilityProperty: true})"));
        browser.picture(PICTURES, "phone");
        browser.click("#side-open");
        browser.await("document.activeElement.id === 'side-close'");
        browser.await("document.querySelector('#side').getBoundingClientRect().x === 0");
        browser.picture(PICTURES, "phone-drawer");
        browser.press("Escape");
        browser.await("!document.querySelector('#new').checkVisibility({visibilityProperty: true})");
        assertEquals("side-open", browser.run("document.activeElement.id"));
    }

    @Test
    void axeFindsNothing() throws Exception {
        String axe = resource("META-INF/resources/webjars/axe-core/4.6.3/axe.min.js");
        for (boolean isDark : new boolean[] {false, true}) {
            browser.fresh(resource("web/fakes.js"), downloads);
            switchTo(isDark);
            browser.open(host.url("/"));
            browser.await("document.querySelector('#model-name').textContent === 'tiny'");
            browser.call("Page.setBypassCSP", "enabled", true);
            browser.reload();
            browser.await("document.querySelector('#model-name').textContent === 'tiny'");
            browser.run(axe + "; true");
            String name = isDark ? "dark" : "light";
            browser.picture(PICTURES, "welcome-" + name);
            assertNoViolation("welcome " + name);
            fake("{reasoning_content: 'Hm.'}", content(resource("web/answer.md")));
            ask("What does a low ferritin value mean?");
            browser.await(AT_REST + " && document.querySelectorAll('.message').length === 2");
            browser.run("window.fakes.push({status: 400, body: {error: {message: 'a refusal'}}})");
            ask("And then?");
            browser.await("document.querySelector('.note.bad')");
            browser.picture(PICTURES, "end-" + name);
            assertNoViolation("answer " + name);
            browser.click("#settings-open");
            browser.picture(PICTURES, "settings-" + name);
            assertNoViolation("settings " + name);
            browser.press("Escape");
            browser.window(390, 844, true);
            browser.click("#settings-open");
            browser.picture(PICTURES, "settings-phone-" + name);
            browser.press("Escape");
            browser.click("#side-open");
            browser.await("document.querySelector('#side').getBoundingClientRect().x === 0");
            assertNoViolation("drawer " + name);
        }
        browser.complaints();
    }

    private static void assertNoViolation(String where) {
        Object found = browser.run(
                "axe.run().then(result => result.violations.map(each =>"
                        + " each.id + ': ' + each.nodes.map(node => node.html.slice(0, 160) + ' ' + node.failureSummary).join('; ')))");
        assertEquals(List.of(), found, where);
    }
}
