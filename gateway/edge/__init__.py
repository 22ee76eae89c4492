"""HTTP: routes, the OpenAI wire format, server-sent events, the error envelope, limits on size and time."""
