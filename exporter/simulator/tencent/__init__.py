"""Stand-ins for Tencent Cloud: Oceanus, Cloud Monitor, STS and the metadata of a server."""
