"""Write what is made of the command line and of the settings, so that it never says anything else.

Completions for shells, the manual page, the JSON Schema of the configuration and the examples of
platforms: `python -m manual.generate` after every change of flags, texts or settings.
"""
