"""The only code that writes across both vendors: one function per entity, whoever asked."""
