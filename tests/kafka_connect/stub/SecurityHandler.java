package org.eclipse.jetty.security;

/** The class of Jetty 12 that the worker names and never uses; no package at hand carries it. */
public abstract class SecurityHandler extends org.eclipse.jetty.server.Handler.Wrapper {}
