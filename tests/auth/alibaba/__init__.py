"""How whoever asks Alibaba Cloud comes by its keys: every set-up that users have."""
