"""Stand in for Alibaba Cloud: Blink (foas), Ververica, and the metadata service."""
