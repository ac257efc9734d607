/**
 * Chat templates: an interpreter for the Jinja that models embed, which remembers where each character came from.
 *
 * <p>The path of a template: {@code Lexer} (source to tokens) → {@code Parser} (tokens to {@code Expr} and
 * {@code Stmt}) → {@code Interpreter} (walks them), over {@code Value}s whose strings are {@code Text}: characters with
 * an {@code Origin} each. The tables of what a template may call are {@code Filters}, {@code Tests}, {@code Methods} and
 * {@code Globals}; Python's arithmetic and comparison are {@code Operators}, its formatting {@code Formatting},
 * {@code Repr}, {@code Json} and {@code Strftime}. A template is hostile until proven otherwise: all work and all memory
 * are charged to a {@code Budget} before they are spent.
 */
package io.github.medpsy4j.engine.template;
