"""Hold every text of the pages, one table a language, and fill them in.

No text stands anywhere else: neither in a template nor in the modules that decide what is said. The
words of platforms and the exporter's own (states, reasons, settings) are the same in every table.
"""
