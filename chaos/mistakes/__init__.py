"""Known mistakes, switched on one at a time: tests of the tests."""
