package io.github.medpsy4j.cli.remote;

import io.github.medpsy4j.engine.Answer;

/**
 * What another machine answered. Times are the server's where it tells them (as llama.cpp's does), else those that passed
 * here; tokens are the server's count, else the pieces that came.
 *
 * @param model what the server calls the model that answered; empty if it does not say
 */
public record RemoteReply(Answer answer, String model) {}
