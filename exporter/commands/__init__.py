"""Say what can be asked for on the command line; who does it is put together in `exporter.cli`."""
