"""Whatever comes from outside is read or refused by name, and never shown as what it is not."""
