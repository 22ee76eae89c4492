"""The pure core: prompts, spans, exchanges, channels, stages and stream filters. No I/O, no clock, no global."""
