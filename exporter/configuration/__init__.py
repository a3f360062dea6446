"""Read the configuration, say what is wrong with it, and what it would cost.

YAML is read strictly (`yaml_documents`) and becomes settings (`config`), which are judged for what
they give away (`config_warnings`), tried (`checking`) and counted (`cost`).
"""
