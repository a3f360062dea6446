"""Prove to Tencent Cloud who is asking: TC3 signatures, and where the keys for them come from."""
