"""Drive a real, headless Chromium over its own protocol, without any driver in between."""
