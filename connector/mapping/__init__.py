"""Pure translation between the two vendors: a record goes in, a draft comes out. No Django, no HTTP."""
