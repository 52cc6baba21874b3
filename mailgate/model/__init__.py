"""The nouns: frozen values and enums, without any input or output."""
