"""The whole connector in one process, on a clock of its own: a seed repeats every run to the byte."""
