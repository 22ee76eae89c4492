"""How well personal data is found: marked texts in, figures and reports out. Nothing here reads files or detects."""
